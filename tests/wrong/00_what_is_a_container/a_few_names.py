# mistake: some names are written down, the others forgotten
# fails: namespaces
# says: MISSING   time

def namespaces_of(pid):
    names = ("pid", "mnt", "net", "uts", "ipc")
    return {name: os.stat(f"/proc/{pid}/ns/{name}").st_ino for name in names}
