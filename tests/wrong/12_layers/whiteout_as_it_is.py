# mistake: overlay's own device goes into the tar
# fails: commit_marks
# says: overlay's own device

def commit(upper, tar):
    with tarfile.open(tar, "w") as archive:
        for path, word in changes(upper):
            add(archive, os.path.join(upper, path), path)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))
