# mistake: blanks around the mode are taken away
# fails: ipc_refuses
# says: must raise ValueError


def ipc_namespace(mode):
    mode = mode.strip()
    if mode == "private":
        return CLONE_NEWIPC, ""
    if mode == "host":
        return 0, ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and pid.isdecimal():
        return 0, f"/proc/{pid}/ns/ipc"
    raise ValueError(mode)
