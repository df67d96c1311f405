"""Strangers' bundles are run for real: each hole lets the attack out, and nothing else does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from minidocker.escapes import strangers as s
from minidocker.escapes.strange_host import laboratory

pytestmark = pytest.mark.needs("root", "userns", "pidns", "mntns", "netns")
Spoil = Callable[[s.Config], None]


def spoiled(*ways: Spoil) -> s.Config:
    config = s.sound()
    for way in ways:
        way(config)
    return config


HOLES: dict[str, Spoil] = {
    **{kind: lambda c, kind=kind: s.share(c, kind) for kind in ("pid", "network", "ipc")},
    "uts": s.rename, "socket": lambda c: s.open_socket(c, above=False),
    **{f"files {way}": lambda c, way=way: s.open_files(c, way, "/etc") for way in s.WAYS},
    "mounts": lambda c: (s.open_mounts(c), s.empower(c)),
    **{f"hooks {kind}": lambda c, kind=kind: s.hook(c, kind) for kind in s.OUTSIDE},
}  # fmt: skip
HARMLESS: list[Spoil] = [
    lambda c: None, lambda c: s.share(c, "uts"), s.open_mounts, s.empower,
    lambda c: s.bind(c, "/etc", "rbind", "rw", "ro"), lambda c: s.bind(c, s.DATA, "bind"),
    lambda c: s.bind(c, "/run/docker.sock.d", "bind", "rw"), lambda c: s.hook(c, "startContainer"),
    lambda c: s.bind(c, "/etcetera", "bind", "rw"),
]  # fmt: skip


def test_each_hole_lets_out_what_its_name_says(host_unchanged: None) -> None:
    found = laboratory(map(spoiled, HOLES.values()))
    assert found == [{hole.split()[0]} for hole in HOLES]


def test_what_only_looks_like_a_hole_lets_nothing_out(host_unchanged: None) -> None:
    assert laboratory(map(spoiled, HARMLESS)) == [set()] * len(HARMLESS)


def test_every_hole_is_in_one_of_the_eight() -> None:
    eight = s.strangers()
    found = laboratory(eight)
    assert len(eight) == len(found) == 8
    assert set().union(*found) == set(s.HOLES) and all(found)


def test_in_a_room_the_host_is_covered_and_nothing_is_left() -> None:
    script = (
        "import os; from minidocker.escapes import strangers as s\n"
        "from minidocker.escapes.strange_host import laboratory\n"
        "bad = s.sound(); s.open_files(bad, 'plain', '/etc')\n"
        "look = lambda: [sorted(os.listdir(path)) for path in ('/etc', '/tmp')]\n"
        "before = look()\n"
        "print(laboratory([s.sound(), bad]), before == look())"
    )
    argv = [sys.executable, "-m", "minidocker", "room", sys.executable, "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.stdout.splitlines()[-1:] == ["[set(), {'files'}] True"], done.stdout + done.stderr
