# mistake: every character device counts as deleted
# fails: changes
# says: /full: expected 'written', got 'deleted'

def changes(upper):
    found = []
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            word = "written"
            if stat.S_ISCHR(os.lstat(path).st_mode):
                word = "deleted"
            elif attributes(path).get("trusted.overlay.opaque") == b"y":
                word = "opaque"
            found.append((os.path.relpath(path, upper), word))
    return sorted(found)
