# mistake: the mark is taken out of the middle of a name, too
# fails: meaning
# says: reads a name


def meaning(name):
    folder, last = os.path.split(name)
    if last == OPAQUE:
        return "empty", folder
    if last.startswith(DELETED):
        gone = last.replace(DELETED, "")
        if gone in ("", ".", ".."):
            raise ValueError(name)
        return "delete", os.path.join(folder, gone)
    return "put", name
