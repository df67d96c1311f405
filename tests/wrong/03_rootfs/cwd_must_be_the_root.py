# mistake: a process may work anywhere in its own tree
# fails: check_pivot
# says: then one mount more: expected True

def check_pivot(pid):
    root = identity(f"/proc/{pid}/root")
    if top_of(f"/proc/{pid}/root") != root or identity(f"/proc/{pid}/cwd") != root:
        return False
    return not mounts_of(pid) & mounts_of("self")
