# mistake: your own namespaces are read once, with the file, and you have left one since
# fails: walls_ten
# says: MISSING uts


OURS = namespaces_of("self")


def walls_of(pid):
    try:
        mine, theirs = status_of("self"), status_of(pid)
        if theirs["State"].startswith("Z"):
            raise LookupError(f"process {pid} is a zombie")
        ours, others = OURS, namespaces_of(pid)
        differs = {name: others[name] != ours[name] for name in others if "_for_" not in name}
        differs["root"] = has_own_root(pid)
        differs["seccomp"] = mine["Seccomp"] != theirs["Seccomp"]
        differs["limit"] = open("/proc/self/cgroup").read() != open(f"/proc/{pid}/cgroup").read()
        return {wall for wall, stands in differs.items() if stands}
    except (FileNotFoundError, ProcessLookupError):
        raise LookupError(f"no process {pid}") from None
