# mistake: os.path.exists says no for a link that leads nowhere, and for whiteouts of such names
# fails: changes
# says: nowhere


def changes(upper):
    found = []
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            if not os.path.exists(path):
                continue
            info = os.lstat(path)
            word = "written"
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                word = "deleted"
            elif attributes(path).get("trusted.overlay.opaque") == b"y":
                word = "opaque"
            found.append((os.path.relpath(path, upper), word))
    return sorted(found)
