# mistake: an empty path is thought to lead somewhere
# fails: private
# says: is wrong about


def private(config):
    return {one["type"] for one in config["linux"]["namespaces"] if "path" not in one}
