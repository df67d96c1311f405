# mistake: the last part is followed too: a link could never be replaced
# fails: place_of
# says: BAD       near: expected

def place_of(directory, name):
    top = os.path.realpath(directory)
    place = os.path.realpath(os.path.join(top, name))
    if os.path.commonpath([place, top]) != top:
        raise ValueError(name)
    return place
