# mistake: all files are hashed, also those that nobody names
# fails: store_whole
# says: beside a damaged blob

def store_is_whole(layout):
    waiting = named(json.loads(content(os.path.join(layout, "index.json"))))
    folder = os.path.join(layout, "blobs", "sha256")
    for name in os.listdir(folder):
        if hashlib.sha256(content(os.path.join(folder, name))).hexdigest() != name:
            return False
    while waiting:
        one = waiting.pop()
        data = content(os.path.join(layout, "blobs", *one["digest"].split(":")))
        if data is None or len(data) != one["size"]:
            return False
        if hashlib.sha256(data).hexdigest() != one["digest"].removeprefix("sha256:"):
            return False
        if "index" in one["mediaType"] or "manifest" in one["mediaType"]:
            waiting += named(json.loads(data))
    return True
