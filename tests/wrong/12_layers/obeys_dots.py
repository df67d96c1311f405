# mistake: .wh... deletes the directory above
# fails: meaning
# says: BAD       .wh...: expected 'ValueError'

def meaning(name):
    folder, last = os.path.split(name)
    if last == OPAQUE:
        return "empty", folder
    if last.startswith(DELETED):
        return "delete", os.path.join(folder, last.removeprefix(DELETED))
    return "put", name
