# mistake: a directory whose name begins with two dots is taken for the one above
# fails: place_of
# says: ..hidden/b


def place_of(directory, name):
    top = os.path.realpath(directory)
    folder, last = os.path.split(os.path.join(top, name.rstrip("/")))
    folder = os.path.realpath(folder)
    if os.path.relpath(folder, top).startswith("..") or last == "..":
        raise ValueError(name)
    return os.path.join(folder, last)
