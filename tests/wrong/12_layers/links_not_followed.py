# mistake: normpath knows no links: a link of the archive leads out
# fails: place_of
# says: BAD       far/x: expected 'ValueError'

def place_of(directory, name):
    top = os.path.realpath(directory)
    folder, last = os.path.split(os.path.normpath(os.path.join(top, name.rstrip("/"))))
    if os.path.commonpath([folder, top]) != top:
        raise ValueError(name)
    return os.path.join(folder, last)
