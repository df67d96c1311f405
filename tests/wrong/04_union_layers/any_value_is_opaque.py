# mistake: the attribute is looked for, not its value: "x" has another meaning
# fails: changes
# says: expected 'written', got 'opaque'

def changes(upper):
    found = []
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            word = "written"
            if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
                word = "deleted"
            elif "trusted.overlay.opaque" in attributes(path):
                word = "opaque"
            found.append((os.path.relpath(path, upper), word))
    return sorted(found)
