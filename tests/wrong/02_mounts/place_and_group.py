# mistake: a group counts only at the same place
# fails: check_private
# says: at another place


def check_private(pid):
    if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
        return False
    mine = {(w[4], f) for w in mount_lines("self") for f in optional_fields(w)}
    theirs = {(w[4], f) for w in mount_lines(pid) for f in optional_fields(w)}
    return not any(f.startswith("shared:") for _, f in mine & theirs)
