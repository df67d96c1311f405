# mistake: the mark stands at the end: x.wh for .wh.x
# fails: pack_marks
# says: MISSING   etc/.wh.gone

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            if word == "deleted":
                archive.addfile(tarfile.TarInfo(path + ".wh"))
                continue
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
