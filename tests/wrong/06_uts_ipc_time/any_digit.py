# mistake: isdigit() says yes to a ² that no kernel reads
# fails: ipc_refuses
# says: must raise ValueError


def ipc_namespace(mode):
    if mode == "private":
        return CLONE_NEWIPC, ""
    if mode == "host":
        return 0, ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and pid.isdigit():
        return 0, f"/proc/{pid}/ns/ipc"
    raise ValueError(mode)
