# mistake: who has a filter too is behind no wall of seccomp, and who has none is
# fails: walls_seccomp
# says: the caller has a filter itself


def walls_of(pid):
    try:
        theirs = status_of(pid)
        if theirs["State"].startswith("Z"):
            raise LookupError(f"process {pid} is a zombie")
        ours, others = namespaces_of("self"), namespaces_of(pid)
        walls = {name for name in others if "_for_" not in name and others[name] != ours[name]}
        if theirs["Seccomp"] != "0":
            walls.add("seccomp")
        if open("/proc/self/cgroup").read() != open(f"/proc/{pid}/cgroup").read():
            walls.add("limit")
        return walls | ({"root"} if has_own_root(pid) else set())
    except (FileNotFoundError, ProcessLookupError):
        raise LookupError(f"no process {pid}") from None
