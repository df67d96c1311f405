# mistake: "self" is no number
# fails: namespaces
# says: invalid literal


def namespaces_of(pid):
    pid = int(pid)
    return {
        name: os.stat(f"/proc/{pid}/ns/{name}").st_ino for name in os.listdir(f"/proc/{pid}/ns")
    }
