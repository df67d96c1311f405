# right: the guard walks down part by part and refuses every link

def place_of(directory, name):
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise ValueError(name)
    place = directory
    for part in parts[:-1]:
        place = os.path.join(place, part)
        if os.path.islink(place):
            raise ValueError(name)
    return os.path.join(place, *parts[-1:])


def apply_layer(tar, directory):
    times = {}
    with tarfile.open(tar) as archive:
        for member in archive.getmembers():
            word, path = meaning(member.name)
            place = place_of(directory, path)
            if word == "delete":
                remove(place)
            elif word == "empty":
                empty(place)
            else:
                put(archive, member, directory, place)
                times[place] = member.mtime if member.isdir() else None
    for place in sorted(times, reverse=True):
        if times[place] is not None:
            os.utime(place, (times[place],) * 2)
