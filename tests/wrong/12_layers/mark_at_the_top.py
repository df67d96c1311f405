# mistake: the mark is put before the whole path, not before the name
# fails: pack_marks
# says: BAD       .wh.etc/gone

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            if word == "deleted":
                archive.addfile(tarfile.TarInfo(DELETED + path))
                continue
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
