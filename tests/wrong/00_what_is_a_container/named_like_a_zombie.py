# mistake: the word is looked for in all lines, and one of them is the name
# fails: walls_ten
# says: named like a zombie


def walls_of(pid):
    try:
        mine, theirs = status_of("self"), status_of(pid)
        if any("zombie" in value for value in theirs.values()):
            raise LookupError(f"process {pid} is a zombie")
        ours, others = namespaces_of("self"), namespaces_of(pid)
        differs = {name: others[name] != ours[name] for name in others if "_for_" not in name}
        differs["root"] = has_own_root(pid)
        differs["seccomp"] = mine["Seccomp"] != theirs["Seccomp"]
        differs["limit"] = open("/proc/self/cgroup").read() != open(f"/proc/{pid}/cgroup").read()
        return {wall for wall, stands in differs.items() if stands}
    except (FileNotFoundError, ProcessLookupError):
        raise LookupError(f"no process {pid}") from None
