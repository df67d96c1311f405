# mistake: where a directory is, is remembered: meanwhile the archive has put a link in its place
# fails: apply_hostile
# says: outside

def apply_layer(tar, directory):
    known = {}
    with tarfile.open(tar) as archive:
        for member in archive:
            word, path = meaning(member.name)
            folder, last = os.path.split(path.rstrip("/"))
            if folder not in known or last == "..":
                known[folder] = os.path.dirname(place_of(directory, path))
            place = os.path.join(known[folder], last)
            if word == "put":
                put(archive, member, directory, place)
            else:
                {"delete": remove, "empty": empty}[word](place)
        for member in reversed(archive.getmembers()):
            if member.isdir():
                place = place_of(directory, member.name)
                os.utime(place, (member.mtime, member.mtime), follow_symlinks=False)
