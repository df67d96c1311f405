# right: lists for sets, the named classes of errors, and a configuration with more in it
def private(config):
    found = []
    for one in config["linux"]["namespaces"]:
        if one.get("path"):
            continue
        found.append(one["type"])
    return frozenset(found)


def holes(config):
    own = private(config)
    strong = "CAP_SYS_ADMIN" in powers(config)
    shown = list(binds(config))
    tests = {
        "pid": "pid" not in own, "network": "network" not in own, "ipc": "ipc" not in own,
        "uts": strong and "uts" not in own,
        "socket": any(touches(source, SOCKETS) for source, _, _ in shown),
        "files": any(touches(source, SYSTEM) for source, write, _ in shown if write or strong),
        "mounts": strong and any(shared for _, _, shared in shown),
        "hooks": bool({k for k, v in config.get("hooks", {}).items() if v} - {"startContainer"}),
    }  # fmt: skip
    return [name for name, there in tests.items() if there]


def spec_of(options):
    kinds = ["mount", "uts", "ipc", "network", "pid", "cgroup"]
    return {
        "ociVersion": "1.2.0",
        "process": {
            "args": list(options.command), "cwd": "/", "env": [], "user": {"uid": 0, "gid": 0},
            "capabilities": {
                "bounding": options.keep, "permitted": options.keep, "effective": options.keep,
                "ambient": [], "inheritable": [],
            },
            "noNewPrivileges": True,
        },
        "root": {"path": options.root, "readonly": False},
        "hostname": options.hostname,
        "mounts": [
            {"destination": b, "type": "none", "source": a, "options": ["rprivate", "rbind", mode]}
            for a, b, mode in options.volumes
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in kinds],
            "resources": {"memory": {"limit": options.memory, "swap": options.memory}},
        },
    }  # fmt: skip


def start(directory):
    try:
        with open(os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK), "wb") as go:
            go.write(b"go on")
    except FileNotFoundError as problem:
        raise ValueError("not created") from problem
    except OSError as problem:
        if problem.errno == ENXIO:
            raise ValueError("not created") from problem
        raise


def state(directory):
    record = load(directory)
    if record == {}:
        return "creating"
    now = (*seen(record["pid"]), boot())
    if now[0] in "ZX" or now[1:] != (record["began"], record["boot"]):
        return "stopped"
    try:
        go = os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as problem:
        if problem.errno == ENXIO:
            return "running"
        raise
    os.close(go)
    return "created"
