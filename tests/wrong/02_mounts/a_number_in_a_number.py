# mistake: shared:1 is found in shared:12, since one text is searched for in the other
# fails: check_private
# says: begins with one of yours


def check_private(pid):
    if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
        return False
    theirs = "\n".join(" ".join(words[: words.index("-")]) for words in mount_lines(pid))
    mine = {field for words in mount_lines("self") for field in optional_fields(words)}
    return not any(field in theirs for field in mine if field.startswith("shared:"))
