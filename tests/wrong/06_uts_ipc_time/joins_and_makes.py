# mistake: what was joined is left again for a new one
# fails: ipc_modes
# says: leads into the wrong namespaces


def ipc_namespace(mode):
    if mode == "host":
        return 0, ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and pid.isdecimal():
        return CLONE_NEWIPC, f"/proc/{pid}/ns/ipc"
    if mode == "private":
        return CLONE_NEWIPC, ""
    raise ValueError(mode)
