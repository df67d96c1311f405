# mistake: a name is made tidy: what place_of is asked about is another one then
# fails: meaning
# says: meaning reads a name

def meaning(name):
    folder, last = os.path.split(name)
    if last == OPAQUE:
        return "empty", folder
    if last.startswith(DELETED):
        gone = last.removeprefix(DELETED)
        if gone in ("", ".", ".."):
            raise ValueError(f"{name} deletes no file")
        return "delete", os.path.join(folder, gone)
    return "put", os.path.normpath(name)
