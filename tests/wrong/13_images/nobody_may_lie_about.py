# mistake: a blob that nobody names counts as damage
# fails: store_whole
# says: beside a blob that nobody names

def store_is_whole(layout):
    waiting = named(json.loads(content(os.path.join(layout, "index.json"))))
    known = set()
    while waiting:
        one = waiting.pop()
        known.add(one["digest"][7:])
        data = content(os.path.join(layout, "blobs", *one["digest"].split(":")))
        if data is None or len(data) != one["size"]:
            return False
        if hashlib.sha256(data).hexdigest() != one["digest"].removeprefix("sha256:"):
            return False
        if "index" in one["mediaType"] or "manifest" in one["mediaType"]:
            waiting += named(json.loads(data))
    return known == set(os.listdir(os.path.join(layout, "blobs", "sha256")))
