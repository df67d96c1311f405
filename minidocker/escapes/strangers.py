"""Strangers: bundles that others have made, each with a hole in its configuration.

A *hole* is what lets a container out of its bundle. What really comes out of one is not said here:
strange_host.py runs it. Names, places and words are drawn anew each time.
"""

from __future__ import annotations

import os
import random
import secrets
from typing import Any

Config = dict[str, Any]
HOLES = ("pid", "network", "ipc", "uts", "socket", "files", "mounts", "hooks")
SOCKETS = ("/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock",
           "/run/crio/crio.sock")  # fmt: skip
SYSTEM = ("/etc", "/root", "/boot")
DATA = "/srv/data"
OWN = ("pid", "network", "ipc", "uts", "mount")
KEPT = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
ADMIN = "CAP_SYS_ADMIN"
OUTSIDE = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")

def mount(destination: str, source: str, *options: str, kind: str = "bind") -> dict[str, Any]:
    """Return one entry of `mounts`."""
    return {"destination": destination, "type": kind, "source": source, "options": list(options)}


def sound() -> Config:
    """Return the configuration of a bundle with none of HOLES: what all strangers' begin as."""
    sets = ("bounding", "effective", "permitted")
    return {
        "ociVersion": "1.2.0",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": ["app"], "cwd": "/",
            "env": ["PATH=/usr/bin:/bin"], "noNewPrivileges": True,
            "capabilities": {name: list(KEPT) for name in sets},
        },
        "root": {"path": "rootfs"},
        "mounts": [mount("/proc", "proc", kind="proc"),
                   mount("/dev", "tmpfs", "nosuid", "mode=755", kind="tmpfs")],
        "linux": {"namespaces": [{"type": name} for name in OWN]},
    }  # fmt: skip


# --- how a hole looks ------------------------------------------------------------------------


def share(config: Config, kind: str, path: bool | None = None) -> None:
    """Let a namespace be the host's: it is left out, or named by a path."""
    entries = config["linux"]["namespaces"]
    entries.remove({"type": kind})
    if random.random() < 0.5 if path is None else path:
        entries.append({"type": kind, "path": f"/run/ns/{kind}"})


def empower(config: Config) -> None:
    """Give the container CAP_SYS_ADMIN."""
    for names in config["process"]["capabilities"].values():
        names.append(ADMIN)


def bind(config: Config, source: str, *options: str) -> None:
    """Show a directory or a file of the host in the container."""
    place, kind = f"/mnt/{secrets.token_hex(3)}", random.choice(["bind", "none"])
    config["mounts"].append(mount(place, source, *options, kind=kind))


def hook(config: Config, kind: str) -> None:
    """Add a hook: a command of the bundle's, at a moment of the container's life."""
    command = f"{{ echo > /etc/{secrets.token_hex(4)}.hook; }} 2>/dev/null; :"
    one = {"path": "/bin/sh", "args": ["sh", "-c", command]}
    config.setdefault("hooks", {}).setdefault(kind, []).append(one)


def rename(config: Config) -> None:
    """Give it the host's name to change, and the power to."""
    share(config, "uts")
    empower(config)


WAYS = {"plain": ["rw"], "last word": ["ro", "rw"], "power": ["ro"]}


def open_files(config: Config, way: str, source: str) -> None:
    """Show a directory of the system: to write, or read-only with the power to change that."""
    if way == "power":
        empower(config)
    bind(config, source, "rbind", *WAYS[way])


def open_socket(config: Config, above: bool) -> None:
    """Show an engine's socket, or a directory above one: read-only does not help."""
    path = random.choice(SOCKETS)
    source = os.path.dirname(path) if above else path
    bind(config, source, "rbind", random.choice(["ro", "rw"]) if above else "ro")


def open_mounts(config: Config, source: str = DATA) -> None:
    """Let the host see what is mounted in the container; it needs the power to mount, too."""
    config["linux"]["rootfsPropagation"] = "shared"
    bind(config, source, "rbind", random.choice(["shared", "rshared"]))


def strangers() -> list[Config]:
    """Return eight bundles in no order: every kind of hole, in each of its forms, and decoys."""
    eight = [sound() for _ in range(8)]
    a, b, c, d, e, f, g, h = eight
    paths = random.sample([True, False, random.random() < 0.5], 3)
    for config, kind, path in zip((a, b, c), ("pid", "network", "ipc"), paths, strict=True):
        share(config, kind, path)
    places = random.sample([random.choice(SYSTEM), "/", "/etc/cron.d"], 3)
    for config, way, place in zip((c, f, g), WAYS, places, strict=True):
        open_files(config, way, place)
    for config, kind in zip((b, d, e, f, h), random.sample(OUTSIDE, 5), strict=True):
        hook(config, kind)
    open_socket(a, above=False)
    open_socket(e, above=True)
    rename(d)
    open_mounts(d, "/")  # one bind, three holes
    open_mounts(h)
    empower(h)
    # From here on what only looks like a hole.
    share(c, "uts")
    open_mounts(b)
    bind(b, random.choice(SYSTEM), "rbind", "rw", "ro")
    for config in (a, g):
        hook(config, "startContainer")
    g["hooks"][random.choice(OUTSIDE)] = []  # a moment, and nothing that runs then
    for config in (d, g):  # root has it all the same after its exec
        config["process"]["capabilities"]["effective"].remove(ADMIN)
    for config in (a, b, d, e):
        bind(config, random.choice([DATA, "/etcetera", "/run/docker.sock.d"]), "bind", "rw")
    a["mounts"][2:] = reversed(a["mounts"][2:])  # there the hole comes last, in `e` it comes first
    for place in ("/etcetera", "/run/docker.sock.d"):
        bind(b, place, "bind", "rw")
    for config in eight:
        random.shuffle(config["linux"]["namespaces"])
    return random.sample(eight, 8)
