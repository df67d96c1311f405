# mistake: a name is put together again, and two slashes become one
# fails: meaning
# says: a//

def meaning(name):
    folder, last = os.path.split(name)
    if last == OPAQUE:
        return "empty", folder
    if last.startswith(DELETED):
        gone = last.removeprefix(DELETED)
        if gone in ("", ".", ".."):
            raise ValueError(f"{name} deletes no file")
        return "delete", os.path.join(folder, gone)
    return "put", os.path.join(folder, last)
