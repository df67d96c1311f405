# mistake: the guard makes the directories of a name, and then looks where they are
# fails: apply_hostile
# says: made

def place_of(directory, name):
    top = os.path.realpath(directory)
    folder, last = os.path.split(os.path.join(top, name.rstrip("/")))
    os.makedirs(folder, exist_ok=True)
    folder = os.path.realpath(folder)
    if os.path.commonpath([folder, top]) != top or last == "..":
        raise ValueError(f"{name} is not beneath {directory}")
    return os.path.join(folder, last)
