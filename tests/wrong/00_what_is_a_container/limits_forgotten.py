# mistake: another limit is thought to be no wall
# fails: walls_limit
# says: MISSING limit


def walls_of(pid):
    try:
        mine, theirs = status_of("self"), status_of(pid)
        if theirs["State"].startswith("Z"):
            raise LookupError(f"process {pid} is a zombie")
        ours, others = namespaces_of("self"), namespaces_of(pid)
        walls = {name for name in others if "_for_" not in name and others[name] != ours[name]}
        if has_own_root(pid):
            walls.add("root")
        if mine["Seccomp"] != theirs["Seccomp"]:
            walls.add("seccomp")
        return walls
    except (FileNotFoundError, ProcessLookupError):
        raise LookupError(f"no process {pid}") from None
