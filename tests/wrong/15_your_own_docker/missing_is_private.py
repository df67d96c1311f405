# mistake: a namespace that is missing is read as private: only joined ones count
# fails: holes
# says: you say


def holes(config):
    own, admin = private(config), ADMIN in powers(config)
    found = {
        one["type"] for one in config["linux"]["namespaces"] if one.get("path")
    } - {"uts", "mount"}
    if admin and "uts" not in own:
        found.add("uts")
    for source, writable, shared in binds(config):
        if touches(source, SOCKETS):
            found.add("socket")
        if touches(source, SYSTEM) and (writable or admin):
            found.add("files")
        if shared and admin:
            found.add("mounts")
    if any(run for kind, run in config.get("hooks", {}).items() if kind != "startContainer"):
        found.add("hooks")
    return found
