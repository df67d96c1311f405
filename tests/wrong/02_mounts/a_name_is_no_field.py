# mistake: the name of what is mounted is read as a field
# fails: check_private
# says: private, with MS_REC: expected True, got False


def check_private(pid):
    if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
        return False
    mine, theirs = [{word for words in mount_lines(who) for word in words} for who in ("self", pid)]
    return not any(word.startswith("shared:") for word in mine & theirs)
