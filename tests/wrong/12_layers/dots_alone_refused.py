# mistake: a mark is refused if its name is of dots alone, and "..." is a file's name as any other
# fails: meaning
# says: a/.wh....

_whole = meaning


def meaning(name):
    last = name.rpartition("/")[2]
    if last.startswith(".wh.") and not last[4:].strip("."):
        raise ValueError(name)
    return _whole(name)
