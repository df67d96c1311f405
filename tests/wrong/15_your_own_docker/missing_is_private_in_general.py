# mistake: what is not in the list is taken for private
# fails: private
# says: not expected


def private(config):
    return {"pid", "network", "ipc", "uts", "mount", "user", "cgroup", "time"} - {
        one["type"] for one in config["linux"]["namespaces"] if one.get("path")
    }
