# mistake: a process is called free of the host's mounts as long as it lacks one of them
# fails: check_pivot
# says: one mount of the host's kept: expected

def check_pivot(pid):
    root = identity(f"/proc/{pid}/root")
    if top_of(f"/proc/{pid}/root") != root or top_of(f"/proc/{pid}/cwd") != root:
        return False
    return not mounts_of("self") <= mounts_of(pid)
