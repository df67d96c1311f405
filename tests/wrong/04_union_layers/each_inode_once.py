# mistake: all whiteouts are one inode: one of them is counted
# fails: changes
# says: MISSING


def changes(upper):
    found, seen = [], set()
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            word = "written"
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                word = "deleted"
            elif attributes(path).get("trusted.overlay.opaque") == b"y":
                word = "opaque"
            if word == "deleted":
                if info.st_ino in seen:
                    continue
                seen.add(info.st_ino)
            found.append((os.path.relpath(path, upper), word))
    return sorted(found)
