"""Checks of lesson 07: the user namespace.

The learner's functions work in a cell, as its root or as an ordinary user. The check reads the
kernel's own files from outside: maps, ids, and who owns what was made.
"""

import random

from looking_at_orders import explained
from looking_at_refusals import errors_come_out

from minidocker.course.outcomes import Fail, compared, good


def new_id():
    """An id that nobody has."""
    return random.randrange(100_001, 900_000)  # 100000 is where sub-ids often begin


def inner_id(low=10_000):
    """An id that the cell has, and nobody in it."""
    return random.randrange(low, 30_000)


def rows(text):
    """The numbers of a map's lines."""
    return [line.split() for line in str(text).splitlines()]


# --- map_lines ---------------------------------------------------------------------------


def test_lines(subject, cell):
    pairs = [[new_id(), None], [new_id(), [new_id(), random.randrange(2, 65536)]], [0, [5, 1]],
             [new_id(), [0, random.randrange(70_000, 2**31)]]]  # fmt: skip
    with cell("lines", pairs=pairs) as one:
        for (outer, sub), seen in zip(pairs, one.expect("results")["seen"], strict=True):
            wanted = [["0", str(outer), "1"]] + ([["1", str(sub[0]), str(sub[1])]] if sub else [])
            ran = f"map_lines({outer}, {sub})"
            if rows(seen) != wanted:
                swapped = [[row[1], row[0], row[2]] for row in rows(seen) if len(row) == 3]
                raise Fail("MD0702" if swapped == wanted else "MD0701", ran=ran,
                           expected=" · ".join(" ".join(row) for row in wanted),
                           kernel=repr(seen))  # fmt: skip
            if not seen.endswith("\n"):
                raise Fail("MD0703", ran=ran, expected="a line feed at the end", kernel=repr(seen))


# --- ROOT_ORDER --------------------------------------------------------------------------


NEEDS = (
    ("unshare", "maps", "The child is in the old namespace still, and that one has its maps"),
    ("maps", "root", "No id has a meaning in there before the maps"),
)


def test_order(subject, cell):
    outer = inner_id()
    with cell("order", outer=outer) as one:
        message = one.expect("made", "refused", "wrong")
        if message.event == "wrong":
            raise Fail("MD0704", what=message["what"])
        if message.event == "refused":
            raise Fail("MD0705", step=message["step"], text=explained(message, NEEDS))
        owner = of_file(one)
        if owner != (outer, outer):
            raise Fail("MD0706", ran="the steps of ROOT_ORDER", expected=f"{outer}:{outer}",
                       kernel=f"{owner[0]}:{owner[1]}")  # fmt: skip


def of_file(one):
    """Owner and group of the file that the scene has made, as they are out here."""
    found = one.files(1).stat("tmp/made", follow=False)
    return found.uid, found.gid


# --- write_maps --------------------------------------------------------------------------


def written(one, ran, wanted):
    """Wait for write_maps, and compare the three files with what was asked for."""
    message = one.expect("written", "refused")
    if message.event == "refused":
        raise Fail("MD0707", ran=ran, text=message["text"])
    pid = message["pid"]
    seen = {name: " · ".join(" ".join(row) for row in rows(one.proc.read(pid, name)))
            for name in wanted}  # fmt: skip
    lines = compared(wanted, seen)
    if not good(lines):
        raise Fail("MD0708", ran=ran, lines=lines)


def test_maps_without_rights(subject, cell):
    uid = inner_id(1001)
    facts = {"uid": uid, "uid_map": f"0 {uid} 1\n", "gid_map": f"0 {uid} 1\n", "setgroups": "deny"}
    ran = f"write_maps(kernel, PID, '0 {uid} 1\\n', '0 {uid} 1\\n', 'deny'), as user {uid}"
    with cell("maps", **facts) as one:
        line = f"0 {uid} 1"
        written(one, ran, {"uid_map": line, "gid_map": line, "setgroups": "deny"})


def test_maps_with_ranges(subject, cell):
    low, mine = inner_id(), random.randrange(1001, 9000)
    high = low + random.randrange(5000, 9000)  # ranges that overlap are refused
    one_line, ranges = f"0 {mine} 1\n", f"0 {mine} 1\n1 {low} 5000\n6000 {high} 70\n"
    others = f"0 {mine} 1\n1 {high} 70\n6000 {low} 5000\n"
    for uid_map, gid_map, word in ((ranges, others, "allow"), (others, ranges, "deny"),
                                   (one_line, one_line, "allow")):  # fmt: skip
        facts = {"uid": 0, "uid_map": uid_map, "gid_map": gid_map, "setgroups": word}
        ran = f"write_maps(kernel, PID, {uid_map!r}, {gid_map!r}, {word!r})"
        with cell("maps", **facts) as one:
            wanted = {name: " · ".join(text.splitlines())
                      for name, text in (("uid_map", uid_map), ("gid_map", gid_map))}  # fmt: skip
            written(one, ran, {**wanted, "setgroups": word})
    maps = [1, "0 1000 1\n", "0 1000 1\n", "deny"]
    errors_come_out(cell, "write_maps", maps, ["write"], pretended=["write"])


# --- newuidmap_argv ----------------------------------------------------------------------


def test_argv(subject, cell):
    calls = [
        ["newuidmap", random.randrange(2, 9999), f"0 {new_id()} 1\n"],
        [
            "newgidmap",
            random.randrange(2, 9999),
            f"0 {new_id()} 1\n1 {new_id()} 65536\n65537 {new_id()} 9\n"
            f"65546 {new_id()} 1\n70000 {new_id()} 2\n",
        ],
    ]
    with cell("argv", calls=calls) as one:
        for (program, pid, lines), seen in zip(calls, one.expect("results")["seen"], strict=True):
            wanted = [program, str(pid), *lines.split()]
            if seen != wanted:
                raise Fail("MD0709", ran=f"newuidmap_argv({program!r}, {pid}, {lines!r})",
                           expected=str(wanted), kernel=str(seen))  # fmt: skip


# --- become_root -------------------------------------------------------------------------


def rooted(one):
    """Wait for become_root: the cell's number for its process."""
    message = one.expect("made", "refused")
    if message.event == "refused":
        raise Fail("MD0710", ran="become_root(kernel)", text=message["text"])
    return one.number(message.sender)


def test_root_ids(subject, cell):
    outer = inner_id()
    with cell("root", outer=outer) as one:
        pid = rooted(one)
        seen = {name: " ".join(one.proc.field(pid, name).split()) for name in ("Uid", "Gid")}
        lines = compared(dict.fromkeys(("Uid", "Gid"), " ".join([str(outer)] * 4)), seen)
        if not good(lines):
            raise Fail("MD0711", ran=f"become_root(kernel), where 0 inside is {outer} outside",
                       lines=lines)  # fmt: skip
    errors_come_out(cell, "become_root", [], ["setresgid", "setresuid"])


def test_root_file(subject, cell):
    outer = inner_id()
    with cell("root", outer=outer) as one:
        rooted(one)
        owner = of_file(one)
        if owner != (outer, outer):
            raise Fail("MD0706", ran="become_root(kernel), then a new file",
                       expected=f"{outer}:{outer}", kernel=f"{owner[0]}:{owner[1]}")  # fmt: skip


# --- reaches_root ------------------------------------------------------------------------

REACH = {
    "no namespace of its own": True,
    "no map yet": False,
    "0 is 0": True,
    "0 is 20000": False,
    "0 is 1000, and more": False,
    "7 is 0": True,
    "0 is 1000, 5 is 0": True,
    "all as outside": True,
    "0 is 10, ten of them": False,
    "0 is 0, 5 is 1000": True,
}


def test_reaches(subject, cell):
    with cell("reaches") as one:
        seen = one.ask_about(one.expect("cast")["pids"])
        # A cell's root is nobody outside, and its map says so: only a nested map can reach it.
        wanted = {**REACH, "no namespace of its own": one.first_id == 0}
        lines = compared(wanted, seen)
        if not good(lines):
            bad = [line for line in lines if line[0] != "GOOD"]
            raise Fail("MD0712", ran="reaches_root of ten processes", lines=bad)
