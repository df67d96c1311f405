# mistake: the deletion of a file whose name begins with .wh. is read as the opaque mark
# fails: meaning
# says: reads a name


def meaning(name):
    folder, last = os.path.split(name)
    if last.startswith(".wh..wh."):
        return "empty", folder
    if last.startswith(DELETED):
        gone = last.removeprefix(DELETED)
        if gone in ("", ".", ".."):
            raise ValueError(name)
        return "delete", os.path.join(folder, gone)
    return "put", name
