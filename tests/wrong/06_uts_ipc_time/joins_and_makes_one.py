# mistake: a new namespace, and another one's file
# fails: ipc_modes
# says: wrong namespaces


def ipc_namespace(mode, before=ipc_namespace):
    flags, file = before(mode)
    return (flags | CLONE_NEWIPC if file else flags), file
