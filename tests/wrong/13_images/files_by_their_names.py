# mistake: each file is compared with its own name, and none with what names it
# fails: store_whole
# says: is missing

def store_is_whole(layout):
    folder = os.path.join(layout, "blobs", "sha256")
    for name in os.listdir(folder):
        if hashlib.sha256(content(os.path.join(folder, name))).hexdigest() != name:
            return False
    return True
