# mistake: the opaque marks come after everything else
# fails: pack_marks
# says: comes after what is in the directory

def pack(upper, tar, newest=None):
    found = sorted(changes(upper))
    with tarfile.open(tar, "w") as archive:
        for path, word in found:
            folder, name = os.path.split(path)
            if word == "deleted":
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
            else:
                add(archive, os.path.join(upper, path), path, newest)
        for path, word in found:
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
