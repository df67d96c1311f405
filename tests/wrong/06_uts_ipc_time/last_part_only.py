# mistake: what stands after the last colon is taken
# fails: ipc_refuses
# says: must raise ValueError


def ipc_namespace(mode):
    if mode == "private":
        return CLONE_NEWIPC, ""
    if mode == "host":
        return 0, ""
    pid = mode.split(":")[-1]
    if mode.startswith("container") and pid.isdecimal():
        return 0, f"/proc/{pid}/ns/ipc"
    raise ValueError(mode)
