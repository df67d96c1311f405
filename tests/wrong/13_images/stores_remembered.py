# mistake: what was right in one store counts as right in the next
# fails: store_whole
# says: as the store before

known = set()


def store_is_whole(layout):
    waiting, seen = named(json.loads(content(os.path.join(layout, "index.json")))), known
    while waiting:
        one = waiting.pop()
        data = content(os.path.join(layout, "blobs", *one["digest"].split(":")))
        if data is None or len(data) != one["size"]:
            return False
        right = one["digest"] == "sha256:" + hashlib.sha256(data).hexdigest()
        if one["digest"] not in seen and not right:
            return False
        seen.add(one["digest"])
        if "index" in one["mediaType"] or "manifest" in one["mediaType"]:
            waiting += named(json.loads(data))
    return True
