# mistake: sorted, but by a number that every copy has anew
# fails: pack_same
# says: in the other

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper), key=lambda one: os.lstat(os.path.join(upper, one[0])).st_ino):
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
                continue
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
