# right: an archive that is compressed, with a fixed time, and names that begin with a dot

import gzip


def pack(upper, tar, newest=None):
    with open(tar, "wb") as out, gzip.GzipFile("", "wb", fileobj=out, mtime=0) as packed:
        into(tarfile.open(fileobj=packed, mode="w"), upper, newest)


def into(archive, upper, newest):
    mark = lambda *parts: archive.addfile(tarfile.TarInfo("./" + "/".join(filter(None, parts))))
    for path, word in sorted(changes(upper)):
        if word == "deleted":
            mark(os.path.dirname(path), DELETED + os.path.basename(path))
        else:
            add(archive, f"{upper}/{path}", f"./{path}", newest)
            word == "opaque" and mark(path, OPAQUE)
    archive.close()
