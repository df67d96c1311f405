# mistake: an opaque directory is written like any other
# fails: commit_marks
# says: .wh..wh..opq

def commit(upper, tar):
    with tarfile.open(tar, "w") as archive:
        for path, word in changes(upper):
            folder, name = os.path.split(path)
            if word == "deleted":
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
            else:
                add(archive, os.path.join(upper, path), path)
