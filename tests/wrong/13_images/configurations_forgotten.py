# mistake: configurations are not looked at
# fails: store_whole
# says: configuration

def store_is_whole(layout):
    waiting = named(json.loads(content(os.path.join(layout, "index.json"))))
    while waiting:
        one = waiting.pop()
        data = content(os.path.join(layout, "blobs", *one["digest"].split(":")))
        if data is None or len(data) != one["size"]:
            return False
        if hashlib.sha256(data).hexdigest() != one["digest"].removeprefix("sha256:"):
            return False
        if "index" in one["mediaType"] or "manifest" in one["mediaType"]:
            waiting += json.loads(data).get("layers", []) + json.loads(data).get("manifests", [])
    return True
