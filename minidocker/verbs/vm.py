"""`minidocker vm`: the lab machine without Vagrant."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

from minidocker.errors import UsageError
from minidocker.proc import processes
from minidocker.vm import build, course, places
from minidocker.vm.machine import LAB, PRISTINE, Machine
from minidocker.vm.phases import Phases

EXAMPLES = """\
examples:
  minidocker vm up                     a pristine machine; built and booted the first time
  minidocker vm ssh                    a root shell in it, in the course's directory
  minidocker vm run minidocker grade   one command in it, and its exit status
  minidocker vm lab                    start JupyterLab in it, and print its address
  minidocker vm snapshot before        keep its state; `restore before` goes back to it
  minidocker vm down                   stop it; only exercises/ and notebooks/ are kept
  minidocker vm down --all             remove its disk and snapshots as well
  minidocker vm cost                   what a virtual machine costs beside a container
  minidocker vm cost --reached         how much of a guest's work its monitor hears of
  minidocker vm vagrant up             the same under Vagrant and libvirt (make vm)
  minidocker vm box --vagrant          build the box as a file for Vagrant

environment: MINIDOCKER_CPUS (2), MINIDOCKER_MEMORY in MB (1024), MINIDOCKER_ACCEL=kvm|tcg
(found by trying), MINIDOCKER_SUITE=bookworm|trixie, MINIDOCKER_ARCH=amd64|arm64 (another processor
than this computer's is emulated), MINIDOCKER_CACHE and MINIDOCKER_VM (places).
"""


def main(argv: list[str]) -> int:
    """Run one verb; returns the exit status."""
    options = _parser().parse_args(argv or ["--help"])
    verbs = {
        "up": up, "ssh": ssh, "run": run, "status": status, "snapshot": snapshot, "lab": lab,
        "restore": restore, "down": down, "box": box, "sync": sync, "prune": prune,
        "vagrant": vagrant, "cost": cost,
    }  # fmt: skip
    return verbs[options.verb](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minidocker vm", description="The lab machine: a Linux where root may break anything.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    verbs.add_parser("up", help="bring it up")
    one = verbs.add_parser("ssh", help="a shell in it")
    one.add_argument("--user", default="root", choices=["root", "learner", "vagrant"])
    one = verbs.add_parser("run", help="run a command in it")
    one.add_argument("--fresh", action="store_true", help="restore the pristine state first")
    one.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    verbs.add_parser("status", help="what there is, and what it costs")
    verbs.add_parser("lab", help="start JupyterLab in it")
    one = verbs.add_parser("snapshot", help="keep its state under a name")
    one.add_argument("name")
    one = verbs.add_parser("restore", help="go back to a kept state")
    one.add_argument("name", nargs="?", default=PRISTINE)
    one = verbs.add_parser("down", help="stop it")
    one.add_argument("--all", action="store_true", help="remove its disk and snapshots too")
    one = verbs.add_parser("box", help="build the box")
    one.add_argument("--suite", default=os.environ.get("MINIDOCKER_SUITE", "bookworm"))
    one.add_argument("--fresh", action="store_true", help="build even if there is one")
    one.add_argument("--vagrant", action="store_true", help="make a file for `vagrant box add` too")
    verbs.add_parser("sync", help="bring the learner's files together now")
    one = verbs.add_parser("vagrant", help="the same machine under Vagrant and libvirt")
    one.add_argument("what", choices=["up", "down"])
    one = verbs.add_parser("cost", help="measure a machine beside a container")
    one.add_argument("--json", action="store_true", help="the figures for programs: kB, seconds")
    one.add_argument("--reached", action="store_true",
                     help="count instead what of a guest's work reaches its monitor")  # fmt: skip
    one = verbs.add_parser("prune", help="remove all machines, boxes and caches")
    return parser


def up(options: argparse.Namespace) -> int:
    """`vm up`."""
    machine, start = Machine(), time.monotonic()
    was_up = bool(machine.pid)
    machine.up()
    word = "is up already" if was_up else f"is up after {time.monotonic() - start:.1f} s"
    print(f"the lab machine {word}; next: minidocker vm lab   (JupyterLab in it; or: vm ssh)")
    return 0


def ssh(options: argparse.Namespace) -> int:
    """`vm ssh`: a login shell in the course's directory."""
    machine = Machine()
    machine.up()
    return subprocess.run(machine.ssh(options.user).argv([], tty=sys.stdin.isatty())).returncode


def run(options: argparse.Namespace) -> int:
    """`vm run COMMAND`: its streams are ours, its exit status too."""
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        raise UsageError("vm run needs a command", "minidocker vm run minidocker doctor")
    machine = Machine()
    way = machine.restore() if options.fresh else machine.up()
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    done = subprocess.run(way.argv(words, tty=terminal))
    machine.synchronise()
    return done.returncode


def status(options: argparse.Namespace) -> int:
    """`vm status`: one line a fact."""
    machine = Machine()
    pid, facts, found = machine.pid, machine.facts(), machine.box()
    if pid:
        print(f"machine    up: {facts['hardware']} ({facts['reason']})")
        print(f"memory     {processes.sizes(pid)['VmRSS'] >> 10} MB on this host, process {pid}")
        print(f"in         minidocker vm ssh   (127.0.0.1:{facts['ports']['22']})")
    else:
        print("machine    down; next: minidocker vm up")
    for name, one in machine.snapshots().items():
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one["at"]))
        print(f"snapshot   {name}, of {when}")
    if found is not None:
        print(f"box        Debian {found.suite}, Linux {found.kernel_version}, "
              f"{found.disk.stat().st_size >> 20} MB, {build.age(found):.0f} days old")  # fmt: skip
        if found.course != course.digest():
            print("course     newer than the box's; it is carried over at each start")
    print(f"places     {machine.directory}, {places.cache()}")
    return 0


def lab(options: argparse.Namespace) -> int:
    """`vm lab`: start JupyterLab and print its address."""
    machine = Machine()
    way = machine.up()
    port = machine.facts()["ports"][str(LAB)]
    print(way.shell(f"/minidocker/guest/start-lab http://127.0.0.1:{port}").strip())
    print("Your files are kept the same on both sides while this runs; Ctrl-C ends that, "
          "not the machine.", flush=True)  # fmt: skip
    try:
        with machine.sharing() as sync:
            sync.watch()
    except KeyboardInterrupt:
        print()
    return 0


def snapshot(options: argparse.Namespace) -> int:
    """`vm snapshot NAME`."""
    start = time.monotonic()
    Machine().snapshot(options.name)
    print(f"{options.name} is kept ({time.monotonic() - start:.1f} s)")
    return 0


def restore(options: argparse.Namespace) -> int:
    """`vm restore [NAME]`."""
    start = time.monotonic()
    Machine().restore(options.name)
    print(f"the machine is {options.name} again ({time.monotonic() - start:.1f} s)")
    return 0


def down(options: argparse.Namespace) -> int:
    """`vm down [--all]`."""
    found = Machine().down(options.all)
    print("the lab machine is down" if found else "the lab machine was down already")
    return 0


def box(options: argparse.Namespace) -> int:
    """`vm box`."""
    found = build.build(options.suite, options.fresh)
    print(build.pack(found, Phases()) if options.vagrant else found.directory)
    return 0


def sync(options: argparse.Namespace) -> int:
    """`vm sync`."""
    print(f"{Machine().synchronise()} files carried")
    return 0


def vagrant(options: argparse.Namespace) -> int:
    """`vm vagrant up|down`: what `make vm` and `make vm-down` do."""
    from minidocker.vm import vagrant as room

    return room.up() if options.what == "up" else room.down()


def cost(options: argparse.Namespace) -> int:
    """`vm cost`: start and memory of a small machine, and of a container; or what reaches QEMU."""
    from minidocker.vm import cost as room
    from minidocker.vm import reached

    found = reached.known() if options.reached else room.known()
    tell = reached.tell if options.reached else room.tell
    print(json.dumps(found, indent=2) if options.json else tell(found))
    return 0


def prune(options: argparse.Namespace) -> int:
    """`vm prune`: stop and remove every machine, box and cache of this user."""
    for directory in sorted(places.state().glob("*/")):
        Machine(directory.name, directory=directory).down(everything=True)
        print(f"removed machine {directory.name}")
    with build.alone() as cache:
        for path in sorted(cache.iterdir()):
            if path.name != "lock":
                build.remove(path)
                print(f"removed {path}")
    return 0
