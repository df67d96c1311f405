# mistake: another namespace is enough for this check
# fails: check_spawn
# says: the second process of a namespace

def check_spawn(pid):
    return os.readlink(f"/proc/{pid}/ns/pid") != os.readlink("/proc/self/ns/pid")
