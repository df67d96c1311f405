# mistake: named pipes do not come into the tar
# fails: pack_marks
# says: pipe

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            place = os.path.join(upper, path)
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
            elif not stat.S_ISFIFO(os.lstat(place).st_mode):
                add(archive, place, path, newest)
                if word == "opaque":
                    archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
