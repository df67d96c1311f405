# right: an archive that is compressed, with names that begin with a dot

def commit(upper, tar):
    archive = tarfile.open(tar, "w:gz", format=tarfile.GNU_FORMAT)
    archive.format = tarfile.PAX_FORMAT
    mark = lambda *parts: archive.addfile(tarfile.TarInfo("./" + "/".join(filter(None, parts))))
    for path, word in changes(upper):
        if word == "deleted":
            mark(os.path.dirname(path), DELETED + os.path.basename(path))
        else:
            add(archive, f"{upper}/{path}", f"./{path}")
            word == "opaque" and mark(path, OPAQUE)
    archive.close()
