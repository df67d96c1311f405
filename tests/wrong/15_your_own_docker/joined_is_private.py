# mistake: a namespace that is joined by a path is taken for one of its own
# fails: private
# says: not expected


def private(config):
    return {one["type"] for one in config["linux"]["namespaces"]}
