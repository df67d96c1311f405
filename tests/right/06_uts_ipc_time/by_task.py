# right: the thread's own directory shows the same namespace; a dictionary for the rest


def ipc_namespace(mode):
    known = {"private": (CLONE_NEWIPC, ""), "host": (0, "")}
    if mode.startswith("container:"):
        pid = int(mode.removeprefix("container:"))
        return [0, f"/proc/{pid}/task/{pid}/ns/ipc"]
    if mode not in known:
        raise ValueError(mode)
    return known[mode]
