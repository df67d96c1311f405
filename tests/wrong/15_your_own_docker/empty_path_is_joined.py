# mistake: a path that is empty is taken for a path
# fails: private
# says: MISSING


def private(config):
    return {one["type"] for one in config["linux"]["namespaces"] if "path" not in one}
