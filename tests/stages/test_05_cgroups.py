"""Checks of lesson 05: cgroups.

Each check has a cgroup tree of its own, which its cell sees as /sys/fs/cgroup. What is so is read
from outside: the tree's files on the host, and /proc/PID/cgroup. What needs controllers is
blocked where they sit on version 1.
"""

import contextlib
import os
import random
import signal
import time

import pytest
from looking_at_refusals import errors_come_out

from minidocker.chamber.cell_needs import patience
from minidocker.chamber.cgroups import Tree
from minidocker.course.outcomes import Fail, compared, good
from minidocker.errors import Blocked

ROOT = "/sys/fs/cgroup"


@pytest.fixture
def planted(cell, blocked):
    """A function that makes a tree and a cell in it: planted("place", name=…) → (cell, tree)."""

    @contextlib.contextmanager
    def plant(scene, needs=(), without=(), **args):
        try:
            tree = Tree(needs, without)
        except Blocked as problem:
            blocked(problem.message, problem.remedy)
        with tree, cell(scene, **args) as one:
            tree.take(one.expect("outside").sender)
            one.answer()
            yield one, tree

    return plant


def name_for(word):
    """A name that no solution can know."""
    return f"{word}{random.randrange(1000, 9999)}"


def members(one, *also):
    """Collect the cast: name → pid out here, until the scene says one of `also`."""
    found = {}
    while True:
        message = one.expect("member", *also)
        if message.event != "member":
            return found, message
        found[message["name"]] = message.sender


def shown(name):
    return name if name.startswith("(") else f"/{name}".replace("//", "/")


# --- place and start_inside ------------------------------------------------------------


def test_place(subject, planted, cell):
    box = name_for("box")
    with planted("place", name=box) as (one, tree):
        cast, last = members(one, "cast")
        while len(cast) < 2:
            message = one.expect("member")
            cast[message["name"]] = message.sender
        one.answer()
        one.expect("placed")
        ran = f"place(kernel, '{ROOT}/{box}', PID)"
        cast["the caller"] = last.sender
        wanted = {"placed": box, "left alone": "grader", "the caller": "grader"}
        homes = {name: tree.home(pid) for name, pid in cast.items()}
        lines = compared(wanted, homes)
        if homes["placed"] != box:
            raise Fail("MD0501", ran=ran, path=f"/{box}", expected=f"0::/{box}",
                       kernel=f"0::{shown(homes['placed'])}", lines=lines)  # fmt: skip
        if not good(lines):
            raise Fail("MD0502", ran=ran, lines=lines)
    errors_come_out(cell, "place", ["/tmp/group", 1], ["write"], pretended=["write"])


def test_start_inside(subject, planted):
    box = name_for("box")
    ran = f"start_inside(kernel, '{ROOT}/{box}', command)"
    with planted("start", name=box) as (one, tree):
        seen = {}
        while len(seen) < 3:
            try:
                message = one.expect("born", "command", "returned")
            except Fail as problem:
                if problem.code not in ("MD9006", "MD9007"):
                    raise
                raise Fail("MD0511" if "returned" in seen else "MD0512", ran=ran) from None
            seen[message.event] = message
        command, returned = seen["command"].sender, seen["returned"]
        homes = {"the command": tree.home(command),
                 "its first child": tree.home(seen["born"].sender),
                 "the caller": tree.home(returned.sender)}  # fmt: skip
        wanted = {"the command": box, "its first child": box, "the caller": "grader"}
        lines = compared(wanted, homes)
        if command == returned.sender:
            raise Fail("MD0512", ran=ran)
        if homes["its first child"] != box:
            raise Fail("MD0508", ran=ran, lines=lines)
        if not good(lines):
            code = "MD0509" if homes["the caller"] != "grader" else "MD0501"
            raise Fail(code, ran=ran, lines=lines, path=f"/{box}")
        born = len(one.proc.children(one.number(returned.sender)))
        living = len(tree.read(box, "cgroup.procs").split())
        if (born, living) != (1, 2):
            raise Fail("MD0524", ran=ran, expected="one child of the caller, and its first child",
                       kernel=f"{born} children, {living} processes in the cgroup")  # fmt: skip
        pid = one.number(command)
        if returned["value"] != pid or returned["kind"] != "int":
            raise Fail("MD0510", ran=ran, value=returned["value"], pid=pid)
    box = name_for("nowhere")
    with planted("start_nowhere", name=box) as (one, _):
        if one.expect("command", "ended").event == "command":
            raise Fail("MD0527", ran=f"start_inside(kernel, '{ROOT}/{box}', command), where there "
                       "is no such cgroup", expected="command() does not begin",
                       kernel="it runs, outside of all limits")  # fmt: skip


# --- limits ------------------------------------------------------------------------------


def test_limits_memory(subject, cell):
    size = (random.randrange(16, 4096) << 20) + random.randrange(1, 128) * 8192  # no whole MiB
    half = size // 2
    cases = {
        "memory=0": ({"memory": 0}, {"memory.max": 0, "memory.swap.max": 0}),
        f"memory={size}": ({"memory": size}, {"memory.max": size, "memory.swap.max": size}),
        f"memory={size}, swap={size}": (
            {"memory": size, "swap": size}, {"memory.max": size, "memory.swap.max": 0}),
        f"memory={size}, swap={size + half}": (
            {"memory": size, "swap": size + half}, {"memory.max": size, "memory.swap.max": half}),
        f"memory={size}, swap=-1": (
            {"memory": size, "swap": -1}, {"memory.max": size, "memory.swap.max": "max"}),
        f"memory={size}, swap={-half}": (
            {"memory": size, "swap": -half}, {"memory.max": size, "memory.swap.max": "max"}),
        "nothing": ({}, {}),
    }  # fmt: skip
    judge_limits(cell, cases, "MD0503")


def test_limits_cpu(subject, cell):
    some = random.randrange(20, 80) / 100
    many = 3 * (os.cpu_count() or 1) + 0.5  # more than there are here: it is written all the same
    cases = {
        "cpus=0.5": ({"cpus": 0.5}, {"cpu.max": "50 %"}),
        f"cpus={some}": ({"cpus": some}, {"cpu.max": f"{round(some * 100)} %"}),
        "cpus=2.0": ({"cpus": 2.0}, {"cpu.max": "200 %"}),
        "cpus=0.29": ({"cpus": 0.29}, {"cpu.max": "29 %"}),  # 100 times that is 28.999999999999996
        "cpus=0.01": ({"cpus": 0.01}, {"cpu.max": "1 %"}),
        f"cpus={many}": ({"cpus": many}, {"cpu.max": f"{round(many * 100)} %"}),
        "shares=1024": ({"shares": 1024}, {"cpu.weight": 100}),
        "shares=2": ({"shares": 2}, {"cpu.weight": 1}),
    }
    judge_limits(cell, cases, "MD0504")


def test_limits_pids(subject, cell):
    some, size = random.randrange(3, 300), 64 << 20
    cases = {
        f"pids={some}": ({"pids": some}, {"pids.max": some}),
        "pids=-1": ({"pids": -1}, {"pids.max": "max"}),
        f"pids={-some}": ({"pids": -some}, {"pids.max": "max"}),
        "pids=0": ({"pids": 0}, {"pids.max": 0}),
        f"memory={size}, cpus=1.5, shares=1024, pids={some}": (
            {"memory": size, "cpus": 1.5, "shares": 1024, "pids": some},
            {"memory.max": size, "memory.swap.max": size, "cpu.max": "150 %", "cpu.weight": 100,
             "pids.max": some}),
        "nothing": ({}, {}),
    }  # fmt: skip
    judge_limits(cell, cases, "MD0505")


def judge_limits(cell, cases, code):
    """Compare what limits returns with what each text would mean to the kernel."""
    with cell("limits", cases=[asked for asked, _ in cases.values()]) as one:
        seen = one.expect("results")["seen"]
    wanted, found = {}, {}
    for (label, (_, right)), files in zip(cases.items(), seen, strict=True):
        if not isinstance(files, dict):
            raise Fail("MD9012", name="limits", value=files, wanted="dictionary",
                       ran=f"limits({label})")  # fmt: skip
        wanted |= {f"{label} → {file}": value for file, value in right.items()}
        found |= {f"{label} → {file}": meaning(file, text) for file, text in files.items()}
    lines = compared(wanted, found)
    if not good(lines):
        raise Fail(code, ran="limits(resources)", lines=[x for x in lines if x[0] != "GOOD"][:8])


def meaning(file, text):
    """Say what a text means to the kernel in a file, as cgroup-v2.rst has it; else say "refused"."""
    if not isinstance(text, str):
        return f"{text!r}, which is no text"
    refused = f"{text!r}, which the kernel refuses"
    words = text.split()
    try:
        if file == "cpu.max":
            period = int(words[1]) if words[1:] else 100_000
            if words[0] == "max":
                return "max"
            quota = int(words[0])
            fits = quota >= 1000 and 1000 <= period <= 1_000_000 and len(words) <= 2
            share = 100 * quota / period
            if abs(quota - round(share) * period / 100) <= 1:
                share = round(share)  # int() cuts a microsecond off 0.57 * 100000, and is right too
            return f"{share:.5g} %" if fits else refused
        if text.strip() == "max" and file != "cpu.weight":
            return "max"
        unit = "kmgt".find(text.strip()[-1:].lower()) + 1 if file.startswith("memory.") else 0
        number = int(text.strip()[: -1 if unit else None]) << (10 * max(unit, 0))
        return number if number >= (file == "cpu.weight") else refused
    except (ValueError, IndexError):
        return refused


ASKED = {"memory": 24 << 20, "swap": 24 << 20, "cpus": 0.2, "pids": 20}


def test_limits_hold(subject, planted):
    ran = "limits(memory=25165824, swap=25165824, cpus=0.2, pids=20)"
    with planted("hold", needs=("memory", "cpu", "pids"), asked=ASKED) as (one, tree):
        files = one.expect("limits")["files"]
        tree.make("box")
        set_limits(tree, files, ran)
        one.answer(f"{ROOT}/box")
        memory_hog(one, tree, ran)
        events = tree.counts("box", "memory.events")
        held(events["oom_kill"] > 0, "memory hog", ran, f"memory.events: {events}")
        one.answer()
        one.expect("pids")
        events = tree.counts("box", "pids.events")
        held(events["max"] > 0, "fork bomb", ran, f"pids.events: {events}")
        one.answer()
        one.expect("cpu")
        stat = throttled(tree)
        held(stat["nr_throttled"] > 0, "processor hog", ran,
             f"cpu.stat: nr_throttled {stat['nr_throttled']} after {stat['usage_usec']} µs")  # fmt: skip
        one.answer()


def set_limits(tree, files, ran):
    """Write what limits returned, as the runtime does."""
    for file, text in files.items():
        try:
            tree.write("box", str(file), str(text))
        except OSError as problem:
            raise Fail("MD0506", ran=ran, file=file, text=text,
                       kernel=os.strerror(problem.errno or 0)) from None  # fmt: skip


def memory_hog(one, tree, ran):
    """Wait until the hog has ended; one that is only slowed down never would."""
    end = time.monotonic() + 30 * patience()
    while not any(message.event == "memory" for message in one.quiet(0.1)):
        slowed = tree.counts("box", "memory.events")["high"]
        held(slowed < 20, "memory hog", ran, f"memory.events: high {slowed}, and it goes on")
        if time.monotonic() > end:
            raise RuntimeError("the memory hog gets no memory")


def throttled(tree):
    """Wait until the kernel has throttled, or has let 0.4 s of processor time pass."""
    end = time.monotonic() + 30 * patience()
    while time.monotonic() < end:
        stat = tree.counts("box", "cpu.stat")
        if stat["nr_throttled"] or stat["usage_usec"] > 400_000:
            return stat
        time.sleep(0.02)
    raise RuntimeError("the processor hog gets no processor")


def held(so, hog, ran, kernel):
    if not so:
        raise Fail("MD0507", ran=ran, hog=hog, kernel=kernel)


# --- make_cgroup -------------------------------------------------------------------------


def test_make_path(subject, planted):
    kept = name_for("kept")
    path = f"{kept}/{name_for('boxes')}/{name_for('one')}"
    ran = f"make_cgroup(kernel, '{ROOT}/{path}')"
    with planted("make", path=path, kept=kept) as (one, tree):
        others = one.expect("made")["others"]
        if others:
            raise Fail("MD0526", ran=f"{ran}, where there are more of them",
                       expected="+cpu +memory +pids, and no other", kernel=" ".join(others[:4]))  # fmt: skip
        parts = path.split("/")
        wanted = {"/".join(parts[:count]) for count in range(1, len(parts) + 1)} | {"grader"}
        lines = compared(wanted, tree.names())
        if not good(lines):
            raise Fail("MD0513", ran=ran, lines=lines)
        there = numbers(tree)
        one.answer()
        one.expect("made")
        lines = compared(there, numbers(tree))
        if not good(lines):
            new = " ".join(f"/{name}" for name in there if numbers(tree).get(name) != there[name])
            raise Fail("MD0528", ran=f"{ran}, where all of it exists", kernel=f"made anew: {new}",
                       expected="the same directories as before")  # fmt: skip
        one.answer()
        silent = one.expect("refused")["silent"]
        if silent:
            raise Fail("MD9018", name="make_cgroup", word=silent[0],
                       ran=f"make_cgroup(…), while the kernel refuses {silent[0]} with EPERM",
                       expected="the OSError comes out of it", kernel="it returned")  # fmt: skip


def numbers(tree):
    """The inode number of each cgroup: one that is made anew has another."""
    return {name: os.stat(f"{tree.root}/{name}").st_ino for name in tree.names()}


def test_make_controllers(subject, planted):
    # Once with all, then on machines that do not offer one of them.
    for without in ((), ("cpu",), ("pids",)):
        path = f"{name_for('boxes')}/{name_for('deep')}/{name_for('one')}"
        ran = f"make_cgroup(kernel, '{ROOT}/{path}')"
        with planted("make", needs=("memory", "pids"), without=without, path=path, kept="") as pair:
            judge_controllers(*pair, path, ran)


def judge_controllers(one, tree, path, ran):
    """Look at the files of each directory, then let a process live in the last one."""
    one.expect("made")
    if path not in tree.names():
        raise Fail("MD0513", ran=ran, lines=compared({path}, tree.names() - {"grader"}))
    here = set(tree.read(path, "cgroup.controllers").split())
    lines = compared(tree.controllers, here & set(tree.controllers))
    if not good(lines):
        raise Fail("MD0514", ran=ran, expected=" ".join(sorted(tree.controllers)),
                   kernel=f"cgroup.controllers: {' '.join(sorted(here)) or '(empty)'}", lines=lines)  # fmt: skip
    handed = tree.read(path, "cgroup.subtree_control").strip()
    one.answer()
    one.expect("made")
    one.answer()
    refused = one.expect("lives")["refused"]
    if refused or handed:
        raise Fail("MD0515", ran=ran, expected="cgroup.subtree_control: (empty)",
                   kernel=f"cgroup.subtree_control: {handed or '(empty)'}; {refused or 'not refused'}")  # fmt: skip
    one.answer()


# --- remove ------------------------------------------------------------------------------


def removed(one, tree, box, cast, ran):
    """Wait until remove returns; say who still lives, or what is still there, when it cannot."""
    for _ in range(3):
        try:
            stuck = one.expect("removed", "stuck").event == "stuck"
        except Fail as problem:
            if problem.code not in ("MD9006", "MD9007"):
                raise
            lines = survivors(one, tree, box, cast)
            if not lines:
                raise
            raise Fail("MD0516", ran=ran, count=len(lines), lines=lines) from None
        lines = survivors(one, tree, box, cast)
        if lines:
            raise Fail("MD0516", ran=ran, count=len(lines), lines=lines)
        if not stuck:
            return
        one.answer()
    left = {name for name in tree.names() if f"{name}/".startswith(f"boxes/{box}/")}
    raise Fail("MD0517", ran=f"{ran}: it tries rmdir(2), and again, without end",
               kernel=" ".join(f"/{name}" for name in sorted(left)))  # fmt: skip


def survivors(one, tree, box, cast):
    """Return a line for each process that was in the cgroup, and lives."""
    late = {m["name"]: m.sender for m in one.quiet(0.05) if m.event == "member"}
    cast = {name: pid for name, pid in (cast | late).items() if name != "neighbour"}
    lines = [("BAD", f"{name}: alive, in {shown(tree.home(pid))}")
             for name, pid in cast.items() if alive(pid)]  # fmt: skip
    known = set(cast.values())
    for name in sorted(tree.names()):
        if f"{name}/".startswith(f"boxes/{box}/"):
            lines += [("BAD", f"a process of many generations: alive, in /{name}")
                      for pid in sorted(tree.pids(name) - known)]  # fmt: skip
    return lines


PF_EXITING = 0x4


def alive(pid):
    """Say whether a process lives on: no zombie, not about to end, no SIGKILL on its way."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            words = file.read().rpartition(")")[2].split()
        with open(f"/proc/{pid}/status") as file:
            pending = [int(x.split()[1], 16) for x in file if x.startswith(("SigPnd", "ShdPnd"))]
    except (FileNotFoundError, ProcessLookupError):
        return False
    doomed = int(words[6]) & PF_EXITING or any(x >> (signal.SIGKILL - 1) & 1 for x in pending)
    return words[0] not in ("Z", "X") and not doomed


def test_remove_all(subject, planted):
    box = name_for("box")
    ran = f"remove(kernel, '{ROOT}/boxes/{box}')"
    with planted("remove", name=box, many=True) as (one, tree):
        cast, _ = members(one, "cast")
        while len(cast) < 6:
            message = one.expect("member")
            cast[message["name"]] = message.sender
        one.answer()
        removed(one, tree, box, cast, ran)
        left = {name for name in tree.names() if f"{name}/".startswith(f"boxes/{box}/")}
        if left:
            raise Fail("MD0517", ran=ran, kernel=" ".join(f"/{name}" for name in sorted(left)))


def test_remove_beside(subject, planted, cell):
    box = name_for("box")
    ran = f"remove(kernel, '{ROOT}/boxes/{box}')"
    with planted("remove", name=box, many=False) as (one, tree):
        cast, _ = members(one, "cast")
        while len(cast) < 2:
            message = one.expect("member")
            cast[message["name"]] = message.sender
        one.answer()
        removed(one, tree, box, cast, ran)
        lines = compared({"boxes", f"boxes/{box}2", "grader"}, tree.names())
        if not good(lines):
            raise Fail("MD0518", ran=ran, lines=lines)
        time.sleep(0.02)
        if not alive(cast["neighbour"]):
            raise Fail("MD0518", ran=ran, lines=[("BAD", f"the process in /boxes/{box}2: killed")])
        one.answer()
        removed(one, tree, box, cast, f"{ran}, which is gone")
        one.answer()
        removed(one, tree, box, cast, ran := f"remove(kernel, '{ROOT}/shelf/{box}')")
        lines = compared({"shelf"}, tree.names() & {"shelf"})
        if not good(lines):
            raise Fail("MD0525", ran=ran, lines=lines)
    errors_come_out(cell, "remove", ["/tmp/group"], ["rmdir"], pretended=["write"])


# --- why_died ----------------------------------------------------------------------------

QUIET = {"max": 0, "oom": 0, "oom_kill": 0}
FULL = {"max": 40, "oom": 2, "oom_kill": 0}
KILLED = {"max": 40, "oom": 2, "oom_kill": 1}


def test_why_words(subject, cell):
    number = random.randrange(20, 120)
    cases = {
        "exit 0": ("exit 0", QUIET, "exit 0"),
        f"exit {number}": (f"exit {number}", QUIET, f"exit {number}"),
        "signal 15": ("signal 15", QUIET, "signal 15"),
        "signal 9, oom_kill 0": ("signal 9", QUIET, "signal 9"),
        "signal 9, oom_kill 1": ("signal 9", KILLED, "out of memory"),
        "signal 9, oom_kill 12": ("signal 9", {**KILLED, "oom_kill": 12}, "out of memory"),
        "signal 9, the limit was met, oom_kill 0": ("signal 9", FULL, "signal 9"),
        "signal 9, no memory.events": ("signal 9", {}, "signal 9"),
        "signal 15, oom_kill 1": ("signal 15", KILLED, "signal 15"),
        "exit 137, oom_kill 1": ("exit 137", KILLED, "exit 137"),
        "signal 11, with a core": ("signal 11", KILLED, "signal 11"),
    }
    turned = {label: number % 2 == 0 for number, label in enumerate(cases)}
    cases = dict(random.sample(list(cases.items()), len(cases)))  # its number says nothing
    asked = [{"end": end, "events": events, "core": "core" in label, "turned": turned[label]}
             for label, (end, events, _) in cases.items()]  # fmt: skip
    with cell("why", cases=asked) as one:
        seen = one.expect("results")["seen"]
    right = {label: words for label, (_, _, words) in cases.items()}
    lines = compared(right, dict(zip(cases, seen, strict=True)))
    if not good(lines):
        raise Fail("MD0519", ran="why_died(path, status)", lines=lines)


def test_why_oom(subject, planted):
    with planted("oom", needs=("memory",)) as (one, tree):
        one.expect("places")
        for name in ("killed", "hog"):
            tree.make(name, memory_max=str(16 << 20))
            with contextlib.suppress(OSError):  # a kernel without swap accounting
                tree.write(name, "memory.swap.max", "0")
        one.answer({name: f"{ROOT}/{name}" for name in ("killed", "hog")})
        found = one.expect("results")
        counted = {
            name: tree.counts(name, "memory.events")["oom_kill"] for name in ("killed", "hog")
        }
        if found["statuses"] != [signal.SIGKILL] * 2 or counted["killed"] or not counted["hog"]:
            raise RuntimeError(f"the two did not end as they should: {found.facts}, {counted}")
        lines = compared({"killed": "signal 9", "hog": "out of memory"}, found["seen"])
        if not good(lines):
            raise Fail("MD0520", ran="why_died(path, status), both killed by SIGKILL", lines=lines,
                       kernel=f"oom_kill: {counted['killed']} for the one, {counted['hog']} for the other")  # fmt: skip
