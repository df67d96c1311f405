# mistake: links are followed in the name, and not in the directory: behind a link all is refused
# fails: place_of
# says: leads to the directory itself


def place_of(directory, name):
    folder, last = os.path.split(os.path.join(directory, name.rstrip("/")))
    folder = os.path.realpath(folder)
    if os.path.commonpath([folder, directory]) != directory or last == "..":
        raise ValueError(f"{name} is not beneath {directory}")
    return os.path.join(folder, last)
