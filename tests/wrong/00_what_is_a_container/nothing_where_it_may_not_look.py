# mistake: what may not be seen is said to have no namespaces
# fails: namespaces
# says: when the kernel does not let you look

def namespaces_of(pid):
    try:
        names = os.listdir(f"/proc/{pid}/ns")
    except PermissionError:
        return {}
    return {name: os.stat(f"/proc/{pid}/ns/{name}").st_ino for name in names}
