# mistake: a directory of the system counts read-only, too
# fails: holes
# says: you say


def holes(config):
    own, admin = private(config), ADMIN in powers(config)
    found = {"pid", "network", "ipc"} - own
    if admin and "uts" not in own:
        found.add("uts")
    for source, _, shared in binds(config):
        if touches(source, SOCKETS):
            found.add("socket")
        if touches(source, SYSTEM):
            found.add("files")
        if shared and admin:
            found.add("mounts")
    if any(run for kind, run in config.get("hooks", {}).items() if kind != "startContainer"):
        found.add("hooks")
    return found
