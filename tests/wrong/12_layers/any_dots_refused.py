# mistake: names with two dots in them are refused, also harmless ones
# fails: place_of
# says: BAD       ..hidden

_place_of = place_of


def place_of(directory, name):
    if ".." in name:
        raise ValueError(name)
    return _place_of(directory, name)
