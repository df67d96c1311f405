# mistake: the mode is looked for anywhere in the text
# fails: ipc_refuses
# says: must raise ValueError


def ipc_namespace(mode):
    if "private" in mode:
        return CLONE_NEWIPC, ""
    if "host" in mode:
        return 0, ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and pid.isdecimal():
        return 0, f"/proc/{pid}/ns/ipc"
    raise ValueError(mode)
