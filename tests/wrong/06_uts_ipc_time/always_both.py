# mistake: it looks at nothing
# fails: shared_memory
# says: wrong verdict


def shared_memory(one, other):
    return {"sysv", "posix"}
