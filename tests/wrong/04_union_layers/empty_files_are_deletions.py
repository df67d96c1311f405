# mistake: deleted files are looked for by their size
# fails: changes
# says: expected 'deleted', got 'written'

def changes(upper):
    found = []
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            word = "written"
            if os.path.isfile(path) and os.path.getsize(path) == 0:
                word = "deleted"
            elif attributes(path).get("trusted.overlay.opaque") == b"y":
                word = "opaque"
            found.append((os.path.relpath(path, upper), word))
    return sorted(found)
