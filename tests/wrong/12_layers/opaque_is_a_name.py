# mistake: the opaque mark is read as the deletion of a file .wh..opq
# fails: meaning
# says: a/.wh..wh..opq: expected ['empty', 'a']

def meaning(name):
    folder, last = os.path.split(name)
    gone = last.removeprefix(DELETED)
    if gone == last:
        return "put", name
    if gone in ("", ".", ".."):
        raise ValueError(name)
    return "delete", os.path.join(folder, gone)
