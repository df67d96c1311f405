# mistake: a mark has a byte in it
# fails: pack_marks
# says: not an empty file


def pack(upper, tar, newest=None):
    import io

    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            if word == "deleted":
                folder, name = os.path.split(path)
                i = tarfile.TarInfo(os.path.join(folder, DELETED + name))
                i.size = 1
                archive.addfile(i, io.BytesIO(b"x"))
                continue
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
