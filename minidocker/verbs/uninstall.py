"""`minidocker uninstall`: undo what the course put on this machine; what it is, is said first."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from minidocker.engine import ending, left_over
from minidocker.errors import Conflict, MinidockerError
from minidocker.images.store import files
from minidocker.images.store.hold import listing
from minidocker.images.store.store import Store
from minidocker.kernel.linux import Linux
from minidocker.net.networks import Networks
from minidocker.oci import lifetime
from minidocker.oci.container import default_root, everything
from minidocker.proc import mounts
from minidocker.proc.lean import stranger
from minidocker.runtime import reading, rootless
from minidocker.stages.cgroup import PARENT
from minidocker.verbs.parser import make
from minidocker.vm import build, places
from minidocker.vm.machine import Machine

ABOUT = "Undo what minidocker put on this machine. It says what that is, and asks."
AFTER = """\
examples:
  minidocker uninstall --dry-run    only say what would go
  minidocker uninstall --yes        do not ask

Your work stays: exercises, notebooks and .minidocker, in the folder of the course. `make remove`
does the same, and removes what `make` put into that folder, and the packages that it installed.
"""
# All that a store holds. Whoever named a directory with other things as the store keeps those.
STORE = (
    "blobs", "build", "containers", "events", "events.1", "images", "incoming", "index.json",
    "init", "layers", "lock", "networks", "oci-layout", "partial", "pod", "seccomp", "used",
    "volumes", "warned",
)  # fmt: skip
CACHE = ("box-*", "wheels-*", "build-*.log", "building-*", "accelerator.json", "cost-*", "lock")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to undo: what is said of it before, and how it is done."""

    says: str
    do: Callable[[], None]


def main(argv: list[str]) -> int:
    """Say what will go, ask, and undo it; 1 when somebody said no."""
    parser = make("uninstall", ABOUT, AFTER)
    parser.add_argument("-n", "--dry-run", action="store_true", help="only say what would go")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    args = parser.parse_args(argv)
    todo = list(steps(Store()))
    if not todo:
        print("There is nothing of minidocker's on this machine.")
        return 0
    print("This will be removed:")
    for step in todo:
        print(f"  {step.says}")
    if args.dry_run:
        return 0
    if not args.yes and not agreed():
        print("Nothing was changed.")
        return 1
    for step in todo:
        step.do()
        print(f"done: {step.says}", flush=True)
    return 0


def agreed() -> bool:
    """Ask on the terminal; where there is none, nobody has agreed."""
    if not sys.stdin.isatty():
        raise MinidockerError("nobody can answer here", "the same with --yes", 1)
    return input("Remove all of this? [y/N] ").strip().lower() in ("y", "yes")


def steps(store: Store) -> Iterator[Step]:
    """Yield what there is to undo: what runs first, then what lies on the disk."""
    for record in reading.records(store.root):
        if record["alive"]:
            named = f"{record['id']} {record['name']}".rstrip()
            yield Step(f"end the container {named}", partial(end, record))
    if "MINIDOCKER_ROOT" not in os.environ:  # other stores have their records in the same place
        yield from of_the_runtime(default_root())
    machines = sorted(places.state().glob("*/"))
    if (places.state() / "vagrant" / "before.json").exists():
        yield Step("the Vagrant machine, its boxes and networks; your work is carried out", vagrant)
    for directory in machines:
        if directory.name != "vagrant":
            says = f"the lab machine {directory}; your work is carried out of it"
            yield Step(says, partial(machine, directory.name))
    if store_entries(store):
        size = files.size(files.usage(store.root))
        yield Step(
            f"{store.root}: images, containers, volumes and networks ({size})",
            partial(empty, store),
        )
    if cached := cache_entries():
        size = files.size(sum(files.usage(str(path)) or path.lstat().st_size for path in cached))
        yield Step(f"{places.cache()}: boxes and wheels ({size})", empty_cache)


def of_the_runtime(root: str) -> Iterator[Step]:
    """Yield what `minidocker oci` has: containers, Podman's among them, and their records."""
    if not os.path.isdir(root) or stranger(root):
        return  # another user's records could make us do anything
    for one in everything(root):
        says = f"end the container {one.id[:12]} of the OCI runtime, made of {one.load()['bundle']}"
        yield Step(says, partial(lifetime.delete, Linux(), one, True))
    yield Step(f"{root}: records of the OCI runtime", partial(empty_records, root))


def empty_records(root: str) -> None:
    """Remove what the runtime keeps beside its containers: compiled filters."""
    shutil.rmtree(f"{root}/.cache", ignore_errors=True)
    forget(Path(root))


def end(record: dict[str, Any]) -> None:
    """End a running container: its stop signal, a second of patience, SIGKILL."""
    ending.stop(record, None, 1)


def vagrant() -> None:
    """Do what `make vm-down` does."""
    from minidocker.vm import vagrant as room

    if room.down():
        raise MinidockerError("the host is not as it was before make vm", "make vm-down", 1)


def machine(name: str) -> None:
    """Take a lab machine down, with its disk."""
    Machine(name).down(everything=True)
    forget(places.state())


def store_entries(store: Store) -> list[str]:
    """Return what of a store there is in its directory."""
    return [name for name in listing(store.root) if name in STORE]


def empty(store: Store) -> None:
    """Remove a store; a directory of somebody's in the same place stays."""
    kernel = Linux()
    for _ in left_over.prune(store, kernel):
        pass
    for record in reading.records(store.root):
        if record["alive"]:
            raise Conflict(f"container {record['id']} has just been started", "the same again")
    if os.path.isdir(store.path("networks")):
        networks = Networks(kernel, store.root)
        left_over.prune_networks(networks, networks.names())
    table = mounts.parse(Path("/proc/self/mountinfo").read_text(errors="surrogateescape"))
    if below := [one.point for one in table if one.point.startswith(f"{store.root}/")]:
        raise Conflict(f"something is mounted at {below[0]}", f"umount {below[0]}")
    there = store_entries(store)

    def work() -> int:
        for name in there:
            path = store.path(name)
            if os.path.isdir(path) and not os.path.islink(path):
                kernel.remove_tree(path)
            else:
                os.unlink(path)
        return 0

    rootless.as_root(work) if rootless.wanted() else work()
    forget(Path(store.root))
    if "MINIDOCKER_ROOT" not in os.environ:  # other stores have their cgroups in the same place
        forget(Path(PARENT))


def cache_entries() -> list[Path]:
    """Return what is ours in the cache of boxes."""
    return sorted(path for pattern in CACHE for path in places.cache().glob(pattern))


def empty_cache() -> None:
    """Remove boxes, wheels and what was found out about this machine."""
    for path in cache_entries():
        build.remove(path)
    forget(places.cache())


def forget(directory: Path) -> None:
    """Remove a directory that is empty now; one that still holds something is not ours alone."""
    try:
        directory.rmdir()
    except OSError as problem:
        if directory.is_dir() and any(directory.iterdir()):
            print(f"kept: {directory}, which holds other things ({problem.strerror})")
