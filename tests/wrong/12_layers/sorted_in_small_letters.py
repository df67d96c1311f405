# mistake: names that differ in capital letters alone stay as the disk lists them
# fails: pack_same
# says: in the other

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper), key=lambda one: one[0].lower()):
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
                continue
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
