# mistake: only the first image is looked at
# fails: store_whole
# says: expected 'False'

def store_is_whole(layout):
    waiting = named(json.loads(content(os.path.join(layout, "index.json"))))[:1]
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
