# mistake: lstat numbers the link, not the namespace
# fails: namespaces
# says: BAD

def namespaces_of(pid):
    names = os.listdir(f"/proc/{pid}/ns")
    return {name: os.lstat(f"/proc/{pid}/ns/{name}").st_ino for name in names}
