# mistake: overlay's own device goes into the tar
# fails: pack_marks
# says: overlay's own device

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
