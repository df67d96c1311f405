# mistake: a container calls its root "/" too
# fails: own_root
# says: a container: expected True, got False

def has_own_root(pid):
    return os.readlink(f"/proc/{pid}/root") != os.readlink("/proc/self/root")
