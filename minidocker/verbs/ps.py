"""`minidocker ps`, `rm` and `prune`."""

from __future__ import annotations

import argparse
import os

from minidocker.errors import Conflict, MinidockerError
from minidocker.images.store import changes
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.runtime import state
from minidocker.stages import STAGES
from minidocker.stages.cgroup import PARENT, Cgroup


def main(argv: list[str]) -> int:
    """Run one of the verbs; return the exit status."""
    parser = argparse.ArgumentParser(prog="minidocker")
    verbs = parser.add_subparsers(dest="verb", required=True)
    ps = verbs.add_parser("ps", help="list containers")
    ps.add_argument("-a", "--all", action="store_true", help="also those that have ended")
    ps.add_argument("-q", "--quiet", action="store_true", help="ids only")
    rm = verbs.add_parser("rm", help="remove containers that have ended")
    rm.add_argument("names", nargs="+", metavar="NAME", help="a name, an id, or its beginning")
    verbs.add_parser(
        "prune",
        help="remove what ended or crashed runs left",
        description="Remove every container that has ended or whose owner is gone, cgroups of "
        "ours without a container, what dead containers left in networks, unfinished imports, and "
        "layers that no image uses. What is alive, and what is not ours, is left alone.",
    )
    args = parser.parse_args(argv)
    store = Store()
    if args.verb == "ps":
        return list_containers(store, args.all, args.quiet)
    if args.verb == "rm":
        return remove(store, args.names)
    return prune(store)


def list_containers(store: Store, everything: bool, quiet: bool) -> int:
    """Print one line a container."""
    rows = [("CONTAINER ID", "NAME", "IMAGE", "STATUS", "PID", "COMMAND")]
    for record in state.records(store.root):
        if not (record["alive"] or everything):
            continue
        if quiet:
            print(record["id"])
            continue
        args = record.get("spec", {}).get("process", {}).get("args", [])
        pid = str(record.get("pid", "")) if record["alive"] else ""
        rows.append(
            (record["id"], record["name"], record["image"], status(record), pid, " ".join(args))
        )
    if not quiet:
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        for row in rows:
            print("  ".join([f"{row[i]:<{widths[i]}}" for i in range(5)] + [row[5][:40]]))
    return 0


def status(record: dict[str, object]) -> str:
    """Say in a word how a container is."""
    if record["alive"]:
        return str(record["status"])
    if record["status"] == "exited":
        return f"exited ({record.get('exit_code')})"
    return "crashed"


def remove(store: Store, names: list[str]) -> int:
    """Remove containers that have ended; a running one raises Conflict."""
    for name in names:
        record = state.find(store.root, name)
        if not state.clean_up(record, STAGES, Linux()):
            raise Conflict(
                f"container {name} is running", "stop it first (Ctrl-C, or kill its process)"
            )
        print(name)
    return 0


def prune(store: Store) -> int:
    """Remove what nobody owns; print what was removed."""
    kernel = Linux()
    if os.path.isdir(store.root) and not os.access(store.root, os.W_OK):
        raise MinidockerError(f"{store.root} is not yours to write to", "sudo minidocker prune")
    for record in state.records(store.root):
        if not record["alive"] and state.clean_up(record, STAGES, kernel):
            print(f"removed container {record['id']} {record['name']}".rstrip())
    forget_names(store)
    for line in prune_networks(store):
        print(line)
    for path in lost_cgroups(store):
        Cgroup.remove(kernel, path)
        print(f"removed cgroup {path}")
    for removed in changes.prune(store):
        print(removed)
    return 0


def prune_networks(store: Store) -> list[str]:
    """Remove leases, rules and bridges that dead containers left; say what."""
    if not os.path.isdir(store.path("networks")):
        return []
    from minidocker.net.networks import Networks
    from minidocker.verbs.network import prune as prune_all

    networks = Networks(Linux(), store.root)
    lock = networks.lock()
    try:
        return prune_all(networks, everything=False)
    finally:
        os.close(lock)


def forget_names(store: Store) -> None:
    """Remove links of names whose container is gone."""
    names = store.path("containers", "names")
    for name in os.listdir(names) if os.path.isdir(names) else []:
        link = os.path.join(names, name)
        if not os.path.exists(link):
            state.forget_name(link)


def lost_cgroups(store: Store) -> list[str]:
    """Find cgroups under ours that no container directory stands for and no process is in."""
    found = []
    for id in os.listdir(PARENT) if os.path.isdir(PARENT) else []:
        path = f"{PARENT}/{id}"
        if os.path.isdir(path) and not os.path.exists(store.path("containers", id)):
            with open(f"{path}/cgroup.events", encoding="ascii") as stream:
                if "populated 0" in stream.read():
                    found.append(path)
    return found
