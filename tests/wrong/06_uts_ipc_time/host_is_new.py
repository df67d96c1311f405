# mistake: the host's own namespace needs no flag
# fails: ipc_modes
# says: The mode 'host' leads into the wrong


def ipc_namespace(mode):
    if mode in ("private", "host"):
        return CLONE_NEWIPC, ""
    kind, _, pid = mode.partition(":")
    if kind != "container" or not pid.isdecimal():
        raise ValueError(mode)
    return 0, f"/proc/{pid}/ns/ipc"
