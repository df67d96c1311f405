# mistake: tarfile adds a directory with all that is in it, and the loop does it again
# fails: pack_marks
# says: in the layer tar twice

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            folder, name = os.path.split(path)
            if word == "deleted":
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
                continue
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
            if os.path.isfile(os.path.join(upper, path)):
                add(archive, os.path.join(upper, path), path, newest)
