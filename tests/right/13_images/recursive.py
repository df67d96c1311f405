# right: the store is looked at by a function that calls itself

def whole(layout, one):
    path = os.path.join(layout, "blobs/sha256", one["digest"][7:])
    if not os.path.isfile(path) or os.path.getsize(path) != one["size"]:
        return False
    with open(path, "rb") as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != one["digest"][7:]:
        return False
    document = any(word in one["mediaType"] for word in ("index", "manifest"))
    return all(whole(layout, each) for each in named(json.loads(data))) if document else True


def store_is_whole(layout):
    with open(f"{layout}/index.json") as file:
        return all(whole(layout, one) for one in json.load(file)["manifests"])
