# right: recursion with scandir, a generator, and archive.add for what has no attributes

def changes(upper, below=""):
    found = []
    for entry in os.scandir(os.path.join(upper, below)):
        path = os.path.join(below, entry.name)
        info = entry.stat(follow_symlinks=False)
        gone = stat.S_IFMT(info.st_mode) == stat.S_IFCHR and not os.major(info.st_rdev) and not (
            os.minor(info.st_rdev)
        )
        folder = entry.is_dir(follow_symlinks=False)
        hides = folder and any(name.endswith(".overlay.opaque") for name in os.listxattr(entry.path))
        found.append((path, "deleted" if gone else "opaque" if hides else "written"))
        found += changes(upper, path) if folder else []
    return sorted(found)


def pack(upper, tar, newest=None):
    archive = tarfile.open(tar, "w")
    mark = lambda *parts: archive.addfile(tarfile.TarInfo("./" + "/".join(filter(None, parts))))
    for path, word in sorted(changes(upper)):
        if word == "deleted":
            mark(os.path.dirname(path), DELETED + os.path.basename(path))
        else:
            add(archive, f"{upper}/{path}", f"./{path}", newest)
            word == "opaque" and mark(path, OPAQUE)
    archive.close()
