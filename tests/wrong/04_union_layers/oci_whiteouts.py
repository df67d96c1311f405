# mistake: a file whose name begins with .wh. counts as deleted: that is an archive's mark
# fails: changes
# says: .wh.


def changes(upper):
    found = []
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            word = "written"
            if (stat.S_ISCHR(info.st_mode) and info.st_rdev == 0) or name.startswith(".wh."):
                word = "deleted"
            elif attributes(path).get("trusted.overlay.opaque") == b"y":
                word = "opaque"
            found.append((os.path.relpath(path, upper), word))
    return sorted(found)
