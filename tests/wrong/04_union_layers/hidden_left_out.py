# mistake: names that begin with .wh. are left out, as if this were an archive
# fails: changes
# says: .wh.


def changes(upper):
    found = []
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            if name.startswith(".wh."):
                continue
            path = os.path.join(folder, name)
            info = os.lstat(path)
            word = "written"
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                word = "deleted"
            elif attributes(path).get("trusted.overlay.opaque") == b"y":
                word = "opaque"
            found.append((os.path.relpath(path, upper), word))
    return sorted(found)
