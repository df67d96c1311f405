# mistake: a namespace is called joined when its path lies below /run, and all others its own
# fails: private
# says: private

def private(config):
    entries = config["linux"]["namespaces"]
    return {one["type"] for one in entries if not one.get("path", "").startswith("/run")}
