# mistake: whatever is JSON is taken for a manifest: a configuration has a config, too
# fails: store_whole
# says: KeyError

def store_is_whole(layout):
    waiting = named(json.loads(content(os.path.join(layout, "index.json"))))
    while waiting:
        one = waiting.pop()
        data = content(os.path.join(layout, "blobs", *one["digest"].split(":")))
        if data is None or len(data) != one["size"]:
            return False
        if hashlib.sha256(data).hexdigest() != one["digest"].removeprefix("sha256:"):
            return False
        with contextlib.suppress(ValueError):
            waiting += named(json.loads(data))
    return True
