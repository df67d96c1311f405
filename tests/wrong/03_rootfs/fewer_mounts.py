# mistake: mounts are counted, not compared
# fails: check_pivot
# says: wrong verdict


def check_pivot(pid):
    root = identity(f"/proc/{pid}/root")
    if top_of(f"/proc/{pid}/root") != root or top_of(f"/proc/{pid}/cwd") != root:
        return False
    return len(mounts_of(pid)) < len(mounts_of("self"))
