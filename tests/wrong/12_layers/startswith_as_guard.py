# mistake: /rootfs-secret begins with /rootfs
# fails: place_of
# says: BAD       ../rootfs-secret/x: expected 'ValueError'

def place_of(directory, name):
    top = os.path.realpath(directory)
    folder, last = os.path.split(os.path.join(top, name.rstrip("/")))
    folder = os.path.realpath(folder)
    if not folder.startswith(top) or last == "..":
        raise ValueError(name)
    return os.path.join(folder, last)
