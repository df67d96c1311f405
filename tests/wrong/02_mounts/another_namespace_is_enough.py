# mistake: an own mount namespace is taken for a wall
# fails: check_private
# says: a new namespace and nothing more

def check_private(pid):
    return os.readlink(f"/proc/{pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
