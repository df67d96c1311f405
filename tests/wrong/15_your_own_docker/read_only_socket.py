# mistake: a socket that is shown read-only is taken for closed
# fails: holes
# says: you say


def holes(config):
    own, admin = private(config), ADMIN in powers(config)
    found = {"pid", "network", "ipc"} - own
    if admin and "uts" not in own:
        found.add("uts")
    for source, writable, shared in binds(config):
        if touches(source, SOCKETS) and writable:
            found.add("socket")
        if touches(source, SYSTEM) and (writable or admin):
            found.add("files")
        if shared and admin:
            found.add("mounts")
    if any(run for kind, run in config.get("hooks", {}).items() if kind != "startContainer"):
        found.add("hooks")
    return found
