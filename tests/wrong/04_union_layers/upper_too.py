# mistake: upper itself stands in the list
# fails: changes
# says: not expected


def changes(upper):
    found = []
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            word = "written"
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                word = "deleted"
            elif attributes(path).get("trusted.overlay.opaque") == b"y":
                word = "opaque"
            found.append((os.path.relpath(path, upper), word))
    return sorted([*found, (".", "written")])
