# right: recursion with scandir

def changes(upper, below=""):
    found = []
    for entry in os.scandir(os.path.join(upper, below)):
        path = os.path.join(below, entry.name)
        info = entry.stat(follow_symlinks=False)
        gone = stat.S_IFMT(info.st_mode) == stat.S_IFCHR and not os.major(info.st_rdev) and not (
            os.minor(info.st_rdev)
        )
        folder = entry.is_dir(follow_symlinks=False)
        hides = folder and any(
            name.endswith(".overlay.opaque") and os.getxattr(entry.path, name) == b"y"
            for name in os.listxattr(entry.path)
        )
        found.append((path, "deleted" if gone else "opaque" if hides else "written"))
        found += changes(upper, path) if folder else []
    return sorted(found)
