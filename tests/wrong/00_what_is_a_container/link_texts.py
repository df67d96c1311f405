# mistake: the text of the link, not the number
# fails: namespaces
# says: BAD

def namespaces_of(pid):
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in os.listdir(f"/proc/{pid}/ns")}
