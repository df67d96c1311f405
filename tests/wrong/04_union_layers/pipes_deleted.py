# mistake: whatever is neither file, directory nor link counts as deleted
# fails: changes
# says: pipe


def changes(upper):
    found = []
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            word = "written"
            if (
                info.st_rdev == 0
                and not stat.S_ISREG(info.st_mode)
                and not stat.S_ISDIR(info.st_mode)
                and not stat.S_ISLNK(info.st_mode)
            ):
                word = "deleted"
            elif attributes(path).get("trusted.overlay.opaque") == b"y":
                word = "opaque"
            found.append((os.path.relpath(path, upper), word))
    return sorted(found)
