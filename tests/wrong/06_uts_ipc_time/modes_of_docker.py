# mistake: Docker's other modes are taken, too
# fails: ipc_refuses
# says: must raise ValueError


def ipc_namespace(mode):
    if mode in ("private", "shareable"):
        return CLONE_NEWIPC, ""
    if mode in ("host", "none"):
        return 0, ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and pid.isdecimal():
        return 0, f"/proc/{pid}/ns/ipc"
    raise ValueError(f"no mode {mode!r}")
