# mistake: gzip writes the time of now, and the name of the file, into what it packs
# fails: pack_same
# says: a gzip header

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w:gz") as archive:
        for path, word in sorted(changes(upper)):
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
                continue
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
