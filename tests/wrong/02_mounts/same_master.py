# mistake: to hear from the same master is taken for a leak
# fails: check_private
# says: slave, with MS_REC: expected True, got False


def check_private(pid):
    if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
        return False
    mine, theirs = [
        {field for words in mount_lines(who) for field in optional_fields(words)}
        for who in ("self", pid)
    ]
    return not mine & theirs
