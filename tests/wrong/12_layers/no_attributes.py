# mistake: tarfile alone knows no extended attributes
# fails: pack_files
# says: .course

def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            folder, name = os.path.split(path)
            if word == "deleted":
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
                continue
            archive.add(os.path.join(upper, path), path, recursive=False)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
