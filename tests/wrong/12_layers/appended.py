# mistake: what stands in the file already stays in it
# fails: commit_marks
# says: from-an-earlier-commit


def commit(upper, tar):
    with tarfile.open(tar, "a") as archive:
        for path, word in changes(upper):
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(tarfile.TarInfo(os.path.join(folder, DELETED + name)))
                continue
            add(archive, os.path.join(upper, path), path)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
