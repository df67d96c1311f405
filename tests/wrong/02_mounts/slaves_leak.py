# mistake: a slave only hears, it does not tell
# fails: check_private
# says: slave, with MS_REC: expected True

def check_private(pid):
    if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
        return False
    mine, theirs = [
        {field.partition(":")[2] for words in mount_lines(who) for field in optional_fields(words)}
        for who in ("self", pid)
    ]
    return not mine & theirs
