# mistake: a directory that is there keeps its owner and mode
# fails: apply_tree
# says: etc


def apply_layer(tar, directory):
    with tarfile.open(tar) as archive:
        for member in archive:
            word, path = meaning(member.name)
            place = place_of(directory, path)
            if word == "put":
                if member.isdir() and os.path.isdir(place):
                    continue
                put(archive, member, directory, place)
            else:
                {"delete": remove, "empty": empty}[word](place)
        for member in reversed(archive.getmembers()):
            if member.isdir():
                os.utime(
                    place_of(directory, member.name),
                    (member.mtime, member.mtime),
                    follow_symlinks=False,
                )
