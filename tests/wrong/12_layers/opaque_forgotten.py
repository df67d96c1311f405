# mistake: an opaque directory is written like any other
# fails: pack_marks
# says: .wh..wh..opq

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            folder, name = os.path.split(path)
            if word == "deleted":
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
            else:
                add(archive, os.path.join(upper, path), path, newest)
