# mistake: the time of a directory is set by its name, which may be a link by then
# fails: apply_hostile
# says: a directory that becomes a link

def apply_layer(tar, directory):
    with tarfile.open(tar) as archive:
        for member in archive:
            word, path = meaning(member.name)
            place = place_of(directory, path)
            if word == "put":
                put(archive, member, directory, place)
            else:
                {"delete": remove, "empty": empty}[word](place)
        for member in reversed(archive.getmembers()):
            if member.isdir():
                os.utime(os.path.join(directory, member.name), (member.mtime, member.mtime))
