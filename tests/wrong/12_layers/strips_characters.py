# mistake: lstrip takes away characters, not a prefix
# fails: meaning
# says: expected ['delete',

def meaning(name):
    folder, last = os.path.split(name)
    if last == OPAQUE:
        return "empty", folder
    if last.startswith(DELETED):
        gone = last.lstrip(DELETED)
        if not gone:
            raise ValueError(name)
        return "delete", os.path.join(folder, gone)
    return "put", name
