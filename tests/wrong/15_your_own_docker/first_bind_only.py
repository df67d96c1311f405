# mistake: only the first bind is looked at
# fails: holes
# says: you say


def holes(config):
    own, admin = private(config), ADMIN in powers(config)
    found = {"pid", "network", "ipc"} - own
    if admin and "uts" not in own:
        found.add("uts")
    for source, writable, shared in list(binds(config))[:1]:
        if touches(source, SOCKETS):
            found.add("socket")
        if touches(source, SYSTEM) and (writable or admin):
            found.add("files")
        if shared and admin:
            found.add("mounts")
    if any(run for kind, run in config.get("hooks", {}).items() if kind != "startContainer"):
        found.add("hooks")
    return found
