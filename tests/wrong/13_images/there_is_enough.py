# mistake: a blob that is there is believed
# fails: store_whole
# says: one byte of a layer

def store_is_whole(layout):
    waiting = named(json.loads(content(os.path.join(layout, "index.json"))))
    while waiting:
        one = waiting.pop()
        data = content(os.path.join(layout, "blobs", *one["digest"].split(":")))
        if data is None:
            return False
        if "index" in one["mediaType"] or "manifest" in one["mediaType"]:
            waiting += named(json.loads(data))
    return True
