# right: by what the pairs of two dictionaries do not share


def walls_of(pid):
    try:
        status = status_of(pid)
        if status["State"][0] == "Z":
            raise ProcessLookupError
        mine, theirs = namespaces_of("self"), namespaces_of(pid)
        walls = {n for n, _ in mine.items() ^ theirs.items() if not n.endswith("for_children")}
        if has_own_root(pid):
            walls.add("root")
        if status["Seccomp"] != status_of(os.getpid())["Seccomp"]:
            walls.add("seccomp")
        with open(f"/proc/{pid}/cgroup") as a, open("/proc/self/cgroup") as b:
            if a.readlines() != b.readlines():
                walls.add("limit")
        return walls
    except (FileNotFoundError, ProcessLookupError) as gone:
        raise LookupError(str(gone)) from gone
