# mistake: a name that only begins like the opaque mark
# fails: meaning
# says: reads a name


def meaning(name):
    name = name.rstrip("/")
    folder, last = os.path.split(name)
    if OPAQUE in last:
        return "empty", folder
    if last.startswith(DELETED):
        gone = last.removeprefix(DELETED)
        if gone in ("", ".", ".."):
            raise ValueError(name)
        return "delete", os.path.join(folder, gone)
    return "put", name
