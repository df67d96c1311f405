# mistake: what an upper directory holds is looked at once, and remembered
# fails: pack_same
# says: once more

seen = {}


def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in seen.setdefault(upper, sorted(changes(upper))):
            place = os.path.join(upper, path)
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
                continue
            add(archive, place, path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
