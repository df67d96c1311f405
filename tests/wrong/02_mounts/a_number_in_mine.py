# mistake: a group counts as mine when my text has its number anywhere, and 12 has a 1
# fails: check_private
# says: one of yours begins with


def check_private(pid):
    if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
        return False
    mine = " ".join(field for words in mount_lines("self") for field in optional_fields(words))
    theirs = {field for words in mount_lines(pid) for field in optional_fields(words)}
    return not any(field in mine for field in theirs if field.startswith("shared:"))
