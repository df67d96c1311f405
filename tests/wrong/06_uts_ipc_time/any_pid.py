# mistake: the name of a container is no pid
# fails: ipc_refuses
# says: must raise ValueError


def ipc_namespace(mode):
    if mode == "private":
        return CLONE_NEWIPC, ""
    if mode == "host":
        return 0, ""
    kind, _, pid = mode.partition(":")
    if kind == "container":
        return 0, f"/proc/{pid}/ns/ipc"
    raise ValueError(mode)
