# mistake: the network namespace holds no shared memory
# fails: ipc_modes
# says: The kernel refused


def ipc_namespace(mode):
    if mode == "private":
        return CLONE_NEWIPC, ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and pid.isdecimal():
        return 0, f"/proc/{pid}/ns/net"
    if mode == "host":
        return 0, ""
    raise ValueError(mode)
