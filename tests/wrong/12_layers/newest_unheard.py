# mistake: no time is held back: trees that differ in their times alone differ
# fails: pack_same
# says: its mtime is

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
                continue
            add(archive, os.path.join(upper, path), path, None)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
