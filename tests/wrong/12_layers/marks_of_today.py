# mistake: the marks have the time of now
# fails: pack_same
# says: .wh.

import time


def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w") as archive:
        for path, word in sorted(changes(upper)):
            if word == "deleted":
                folder, name = os.path.split(path)
                archive.addfile(mark_of(os.path.join(folder, DELETED + name)))
                continue
            add(archive, os.path.join(upper, path), path, newest)
            if word == "opaque":
                archive.addfile(tarfile.TarInfo(os.path.join(path, OPAQUE)))


def mark_of(name):
    info = tarfile.TarInfo(name)
    info.mtime = int(time.time())
    return info
