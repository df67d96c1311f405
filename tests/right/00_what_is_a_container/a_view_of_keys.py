# right: a dictionary's keys are a set too; a KeyError is a LookupError


def walls_of(pid):
    walls = {}
    try:
        theirs, mine = status_of(pid), status_of("self")
        if theirs["State"][0] == "Z":
            raise LookupError(pid)
        ours = namespaces_of("self")
        for name, number in namespaces_of(pid).items():
            if not name.endswith("_for_children") and ours[name] != number:
                walls[name] = number
        if has_own_root(pid):
            walls["root"] = True
        if theirs["Seccomp"] != mine["Seccomp"]:
            walls["seccomp"] = True
        if open("/proc/self/cgroup").read() != open(f"/proc/{pid}/cgroup").read():
            walls["limit"] = True
    except (FileNotFoundError, ProcessLookupError) as problem:
        raise KeyError(pid) from problem
    return walls.keys()
