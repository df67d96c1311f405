# mistake: shared with others inside is no leak
# fails: check_private
# says: private, then shared in groups of its own

def check_private(pid):
    if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
        return False
    return not any("shared:" in " ".join(optional_fields(words)) for words in mount_lines(pid))
