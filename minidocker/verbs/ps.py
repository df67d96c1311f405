"""`minidocker ps`."""

from __future__ import annotations

from minidocker.images.store.store import Store
from minidocker.runtime import state
from minidocker.verbs.parser import make


def main(argv: list[str]) -> int:
    """List containers; return the exit status."""
    parser = make("ps", "List containers.")
    parser.add_argument("-a", "--all", action="store_true", help="also those that have ended")
    parser.add_argument("-q", "--quiet", action="store_true", help="ids only")
    args = parser.parse_args(argv)
    return list_containers(Store(), args.all, args.quiet)


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
