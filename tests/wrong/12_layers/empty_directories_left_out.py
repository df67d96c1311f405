# mistake: a directory in which there is nothing does not come into the tar
# fails: pack_marks
# says: nothing in it

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            place = os.path.join(upper, path)
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
            elif word == "opaque" or not is_folder(place) or os.listdir(place):
                add(archive, place, path, newest)
                if word == "opaque":
                    archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
