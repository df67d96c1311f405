# mistake: a blob that was looked at is passed over, whatever size the next descriptor says
# fails: store_whole
# says: another size of a layer that all have

def store_is_whole(layout):
    waiting, seen = named(json.loads(content(os.path.join(layout, "index.json")))), set()
    while waiting:
        one = waiting.pop()
        if one["digest"] in seen:
            continue
        data = content(os.path.join(layout, "blobs", *one["digest"].split(":")))
        if data is None or len(data) != one["size"]:
            return False
        if hashlib.sha256(data).hexdigest() != one["digest"].removeprefix("sha256:"):
            return False
        seen.add(one["digest"])
        if "index" in one["mediaType"] or "manifest" in one["mediaType"]:
            waiting += named(json.loads(data))
    return True
