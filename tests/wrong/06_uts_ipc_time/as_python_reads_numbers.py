# mistake: int() takes more than a kernel: 1_0 is 10, and so another process
# fails: ipc_refuses
# says: container:1_0

def ipc_namespace(mode):
    if mode == "private":
        return CLONE_NEWIPC, ""
    if mode == "host":
        return 0, ""
    kind, _, pid = mode.partition(":")
    if kind == "container":
        return 0, f"/proc/{int(pid)}/ns/ipc"
    raise ValueError(f"no mode {mode!r}")
