# mistake: what stands after a colon is not looked at
# fails: ipc_refuses
# says: must raise ValueError


def ipc_namespace(mode):
    kind, _, pid = mode.partition(":")
    if kind == "private":
        return CLONE_NEWIPC, ""
    if kind == "host":
        return 0, ""
    if kind == "container" and pid.isdecimal():
        return 0, f"/proc/{pid}/ns/ipc"
    raise ValueError(f"no mode {mode!r}")
