# mistake: the command's words are taken out of the list that the caller still has
# fails: spec_values
# says: changed the options

def spec_of(options):
    volumes = [
        {"destination": target, "type": "bind", "source": source, "options": ["rbind", mode]}
        for source, target, mode in options.volumes
    ]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "args": [options.command.pop(0), *options.command],
            "cwd": "/",
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "user": {"uid": 0, "gid": 0},
            "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), options.keep),
            "noNewPrivileges": True,
        },
        "root": {"path": options.root},
        "hostname": options.hostname,
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]},
            *volumes,
        ],
        "linux": {
            "namespaces": [
                {"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")
            ],
            "resources": {"memory": {"limit": options.memory, "swap": options.memory}},
        },
    }
