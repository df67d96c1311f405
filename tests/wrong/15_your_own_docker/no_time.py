# mistake: the kinds of namespaces are those of older kernels: there is no "time"
# fails: private
# says: time

def private(config):
    kinds = {"pid", "network", "mount", "ipc", "uts", "user", "cgroup"}
    return {one["type"] for one in config["linux"]["namespaces"] if not one.get("path")} & kinds
