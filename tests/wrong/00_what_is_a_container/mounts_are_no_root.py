# mistake: an own mount namespace is taken for an own root
# fails: own_root
# says: own mount namespace only: expected False, got True

def has_own_root(pid):
    return os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
