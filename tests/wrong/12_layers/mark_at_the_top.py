# mistake: the mark is put before the whole path, not before the name
# fails: commit_marks
# says: BAD       .wh.etc/gone

def commit(upper, tar):
    with tarfile.open(tar, "w") as archive:
        for path, word in changes(upper):
            if word == "deleted":
                archive.addfile(tarfile.TarInfo(DELETED + path))
                continue
            add(archive, os.path.join(upper, path), path)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
