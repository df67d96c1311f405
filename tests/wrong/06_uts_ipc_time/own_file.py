# mistake: the file of the caller is no other container's
# fails: ipc_modes
# says: leads into the wrong namespaces


def ipc_namespace(mode):
    if mode == "private":
        return CLONE_NEWIPC, ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and pid.isdecimal():
        return 0, "/proc/self/ns/ipc"
    if mode == "host":
        return 0, ""
    raise ValueError(mode)
