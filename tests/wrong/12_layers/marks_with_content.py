# mistake: a mark has a byte in it
# fails: commit_marks
# says: not an empty file


def commit(upper, tar):
    import io

    with tarfile.open(tar, "w") as archive:
        for path, word in changes(upper):
            if word == "deleted":
                folder, name = os.path.split(path)
                i = tarfile.TarInfo(os.path.join(folder, DELETED + name))
                i.size = 1
                archive.addfile(i, io.BytesIO(b"x"))
                continue
            add(archive, os.path.join(upper, path), path)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
