# mistake: a stopped process (state T) is taken for an ended one
# fails: walls_ten
# says: stopped


def walls_of(pid):
    try:
        mine, theirs = status_of("self"), status_of(pid)
        if theirs["State"][0] not in "RS":
            raise LookupError(f"process {pid} does not live")
        ours, others = namespaces_of("self"), namespaces_of(pid)
        differs = {name: others[name] != ours[name] for name in others if "_for_" not in name}
        differs["root"] = has_own_root(pid)
        differs["seccomp"] = mine["Seccomp"] != theirs["Seccomp"]
        differs["limit"] = open("/proc/self/cgroup").read() != open(f"/proc/{pid}/cgroup").read()
        return {wall for wall, stands in differs.items() if stands}
    except (FileNotFoundError, ProcessLookupError):
        raise LookupError(f"no process {pid}") from None
