# mistake: a missing blob ends with TypeError
# fails: store_whole
# says: TypeError

def store_is_whole(layout):
    waiting = named(json.loads(content(os.path.join(layout, "index.json"))))
    while waiting:
        one = waiting.pop()
        data = content(os.path.join(layout, "blobs", *one["digest"].split(":")))
        if len(data) != one["size"]:
            return False
        if hashlib.sha256(data).hexdigest() != one["digest"].removeprefix("sha256:"):
            return False
        if "index" in one["mediaType"] or "manifest" in one["mediaType"]:
            waiting += named(json.loads(data))
    return True
