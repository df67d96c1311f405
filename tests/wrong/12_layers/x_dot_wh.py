# mistake: the mark stands at the end: x.wh for .wh.x
# fails: commit_marks
# says: MISSING   etc/.wh.gone

def commit(upper, tar):
    with tarfile.open(tar, "w") as archive:
        for path, word in changes(upper):
            if word == "deleted":
                archive.addfile(tarfile.TarInfo(path + ".wh"))
                continue
            add(archive, os.path.join(upper, path), path)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
