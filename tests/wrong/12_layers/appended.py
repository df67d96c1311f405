# mistake: what stands in the file already stays in it
# fails: pack_marks
# says: from-an-earlier-pack


def pack(upper, tar, newest=None):
    with tarfile.open(tar, "a") as archive:
        for path, word in sorted(changes(upper)):
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
                continue
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
