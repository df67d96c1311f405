# mistake: a word with a mistake in it opens the wall
# fails: ipc_refuses
# says: must raise ValueError


def ipc_namespace(mode):
    if mode == "private":
        return CLONE_NEWIPC, ""
    kind, _, pid = mode.partition(":")
    if kind == "container" and pid.isdecimal():
        return 0, f"/proc/{pid}/ns/ipc"
    return 0, ""
