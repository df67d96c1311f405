# mistake: the effective set counts, though root gets more by its exec
# fails: holes
# says: came out

def holes(config):
    own, admin = private(config), ADMIN in config["process"]["capabilities"]["effective"]
    found = {"pid", "network", "ipc"} - own
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
