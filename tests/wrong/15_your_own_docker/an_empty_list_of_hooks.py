# mistake: a moment without a command counts as a hook
# fails: holes
# says: you say


def holes(config):
    own, admin = private(config), ADMIN in powers(config)
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
    if set(config.get("hooks", {})) - {"startContainer"}:
        found.add("hooks")
    return found
