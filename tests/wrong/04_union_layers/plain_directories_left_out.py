# mistake: a directory that is not opaque is thought to be no change
# fails: changes
# says: MISSING


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
            elif stat.S_ISDIR(info.st_mode):
                continue
            found.append((os.path.relpath(path, upper), word))
    return sorted(found)
