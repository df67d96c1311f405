# mistake: the answer is a pair, and this is one half
# fails: ipc_modes
# says: is no pair


def ipc_namespace(mode):
    if mode == "private":
        return CLONE_NEWIPC
    if mode == "host":
        return 0
    raise ValueError(mode)
