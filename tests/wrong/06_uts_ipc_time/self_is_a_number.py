# mistake: "self" is taken for the number of a process
# fails: ipc_refuses
# says: container:self


def ipc_namespace(mode):
    if mode == "private":
        return CLONE_NEWIPC, ""
    if mode == "host":
        return 0, ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and (pid.isdecimal() or pid == "self"):
        return 0, f"/proc/{pid}/ns/ipc"
    raise ValueError(f"no mode {mode!r}")
