# mistake: the mount on "/" is private, and the others are forgotten
# fails: check_private
# says: private, without MS_REC: expected False, got True

def check_private(pid):
    if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
        return False
    return propagation_of(pid, "/") != "shared"
