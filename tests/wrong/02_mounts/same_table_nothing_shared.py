# mistake: only groups are compared: a process in the same table, with nothing shared, seems apart
# fails: check_private
# says: no new namespace: expected False, got True


def check_private(pid):
    mine, theirs = [
        {field for words in mount_lines(who) for field in optional_fields(words)}
        for who in ("self", pid)
    ]
    return not any(field.startswith("shared:") for field in mine & theirs)
