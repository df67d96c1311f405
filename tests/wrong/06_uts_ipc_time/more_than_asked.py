# mistake: a new uts namespace was not asked for
# fails: ipc_modes
# says: The mode 'private' leads into the wrong


def ipc_namespace(mode):
    if mode == "private":
        return CLONE_NEWIPC | CLONE_NEWUTS, ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and pid.isdecimal():
        return 0, f"/proc/{pid}/ns/ipc"
    if mode == "host":
        return 0, ""
    raise ValueError(mode)
