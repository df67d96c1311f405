"""Checks of lesson 00: what is a container?

A cast of real processes stands behind all kinds of walls. The learner's functions look at
them from inside the cell, and the check looks from outside: the two must agree.
"""

import os
import random

import pexpect
from looking_at_refusals import errors_come_out

from minidocker.course.outcomes import Fail, compared, good
from minidocker.grader.probe import Gone
from minidocker.kernel import flags as f

MANY = ["plain", "chroot only", "own mount namespace only", "own names", "own network",
       "own user namespace", "own cgroup view", "own mounts and root", "a container",
       "only its child is apart", "own time", "only its children's time", "stopped",
       "named like a zombie", "works elsewhere"]  # fmt: skip
NOBODY = 65534
HOSTNAME, DOMAIN = "uname -n", "cat /proc/sys/kernel/domainname"


def name_seen_by(machine, pid, command=HOSTNAME):
    """Ask a shell in a process's uts namespace for a name; the answer holds a product."""
    a, b = random.randrange(1000, 9999), random.randrange(1000, 9999)
    user = [] if os.geteuid() == 0 else ["--user"]
    shell = machine.spawn(["nsenter", "--target", str(pid), *user, "--uts", "sh"])
    try:
        shell.sendline(f'echo "answer=$(({a}*{b})):$({command}):"')
        shell.expect(rf"answer={a * b}:([^:]*):")
        return shell.match.group(1)
    except (pexpect.TIMEOUT, pexpect.EOF):
        raise RuntimeError("no shell answers in the uts namespace of the cell") from None
    finally:
        shell.close(force=True)


def new_name():
    return f"box-{random.randrange(10**6):06}"


def long_names():
    """Two names of 64 bytes, the most that the kernel takes; one has letters of two bytes."""
    begins = (f"Box{random.randrange(10**6):06}.lab-", f"Box{random.randrange(10**6):06}.Übung-é-")
    return [name + "x" * (64 - len(name.encode())) for name in begins]


def named(one, ran):
    """Wait until the name is set; the pid out here of who did it."""
    message = one.expect("named", "by hand")
    if message.event == "by hand":
        raise Fail("MD9020", ran=ran, file=message["file"], call=message["call"])
    return message.sender


def test_hostname_is_set(subject, cell, machine):
    for name in (new_name(), *long_names(), f" BOX {random.randrange(10**6):06} "):
        with cell("hostname", name=name) as one:
            sender = named(one, f"set_hostname(kernel, {name!r})")
            seen = name_seen_by(machine, sender)
            if seen != name:
                ran = f"set_hostname(kernel, {name!r})"
                raise Fail("MD0001", ran=ran, expected=name, kernel=seen)


def test_hostname_is_kept(subject, cell, machine):
    name = new_name()
    with cell("hostname", name=name) as one:
        before = machine.read("/proc/sys/kernel/hostname").strip()
        sender = named(one, f"set_hostname(kernel, {name!r})")
        outside, pid = name_seen_by(machine, one.pid), one.number(sender)
        domains = [name_seen_by(machine, who, DOMAIN) for who in (one.pid, sender)]
        theirs = one.proc.namespace(pid, "uts")
        if outside == name:
            raise Fail("MD0002", ran=f"set_hostname(kernel, {name!r})",
                       expected=f"outside: {before}", kernel=f"outside: {outside}")  # fmt: skip
        if theirs == one.own["uts"]:
            raise Fail("MD0003", ran=f"set_hostname(kernel, {name!r})",
                       expected="another number than process 1's",
                       kernel=f"ns/uts of both: {theirs}")  # fmt: skip
        changed = ["the domain name"] if domains[1] != domains[0] else []
        changed += ["one more process"] if set(one.proc.pids()) - {1, pid} else []
        now = one.proc.namespaces(pid)
        changed += [f"the {kind} namespace" for kind in f.NAMESPACES
                    if kind != "uts" and now.get(kind) != one.own.get(kind)]  # fmt: skip
        if changed:
            raise Fail("MD0011", ran=f"set_hostname(kernel, {name!r})",
                       expected="only the host name is new", kernel=", ".join(changed))  # fmt: skip
    errors_come_out(cell, "set_hostname", [name], ["unshare", "sethostname"])


def members(one, kinds):
    """Collect the cast until all are there and it waits: name → the cell's number for it."""
    found, waits = {}, False
    while len(found) < len(kinds) or not waits:
        message = one.expect("member", "gone", "cast")
        if message.event == "cast":
            waits = True
        elif message.event == "gone":
            found["ended"] = message["pid"]
        else:
            found[message["name"]] = one.number(message.sender)
    return found


def looked(one, cast):
    """Let the learner's function look at the cast, in random order; return its answers."""
    return one.ask_about(cast)


def test_namespaces_of(subject, cell):
    kinds = ["plain", "a container", "own time", "only its children's time", "own user namespace",
             "ended"]  # fmt: skip
    with cell("look", kinds=kinds, function="namespaces_of") as one:
        cast = members(one, kinds)
        seen = looked(one, cast)
        for kind in kinds[:-1]:
            right, got = one.proc.namespaces(cast[kind]), seen[kind]
            ran = f"namespaces_of({cast[kind]})"
            if not isinstance(got, dict):
                raise Fail("MD9012", name="namespaces_of", value=repr(got)[:60], ran=ran,
                           wanted="dictionary")  # fmt: skip
            lines = compared(right, got)
            if not good(lines):
                raise Fail("MD0004", ran=ran, lines=lines)
        if seen["ended"] not in ("FileNotFoundError", "ProcessLookupError", "OSError"):
            raise Fail("MD0012", ran=f"namespaces_of({cast['ended']})", expected="an OSError",
                       kernel=repr(seen["ended"])[:60])  # fmt: skip
    with cell("look", kinds=["plain"], function="namespaces_of", weak=True) as one:
        cast = members(one, ["plain"])
        seen = looked(one, cast)["plain"]
        if seen != "PermissionError":
            ran = f"namespaces_of({cast['plain']}), without capabilities, for a process that has them"
            raise Fail("MD0014", ran=ran, expected="PermissionError", kernel=repr(seen)[:60])
    asked_about_self(cell)


def asked_about_self(cell):
    """ "self" is a process, too; and what was true a moment ago need not be true now."""
    with cell("self") as one:
        message = one.expect("looked")
        now = one.proc.namespaces(one.number(message.sender))
        told = ('"self"', '"self", after it left its uts namespace', "its own pid")
        for right, got, who in zip(({**now, "uts": one.own["uts"]}, now, now), message["seen"], told,
                                   strict=True):  # fmt: skip
            lines = compared(right, got) if isinstance(got, dict) else [("BAD", str(got)[:60])]
            if not good(lines):
                raise Fail("MD0004", ran=f"namespaces_of for {who}", lines=lines)


def own_root(one, pid, caller):
    """Say, as the kernel does, whether two processes have different root directories."""
    return one.proc.root(pid) != one.proc.root(caller)


def test_own_root(subject, cell):
    kinds = ["plain", "chroot only", "own mount namespace only", "own mounts and root",
             "a container", "works elsewhere"]  # fmt: skip
    with cell("look", kinds=kinds, function="has_own_root") as one:
        cast = members(one, kinds)
        seen = looked(one, cast)
        right = {kind: own_root(one, cast[kind], 2) for kind in kinds}
        for kind, value in seen.items():
            if not isinstance(value, bool):
                raise Fail("MD9012", name="has_own_root", value=repr(value)[:60],
                           wanted="True or False", ran=f"has_own_root({cast[kind]})")  # fmt: skip
        lines = compared(right, seen)
        if not good(lines):
            raise Fail("MD0005", ran="has_own_root(pid)", lines=lines)


def true_walls(one, pid, caller=2):
    """Return what stands between the caller and a process, read from outside."""
    mine, theirs = one.proc.namespaces(caller), one.proc.namespaces(pid)
    walls = {name for name in f.NAMESPACES if mine.get(name) != theirs.get(name)}
    if own_root(one, pid, caller):
        walls.add("root")
    if one.proc.field(pid, "Seccomp") != one.proc.field(caller, "Seccomp"):
        walls.add("seccomp")
    if one.proc.read(pid, "cgroup") != one.proc.read(caller, "cgroup"):
        walls.add("limit")
    return walls


def judge_walls(one, cast, code):
    """Compare walls_of with what is so, process by process: one line each."""
    seen = looked(one, cast)
    if cast.get("stopped") and one.proc.state(cast["stopped"]) != "T":
        raise RuntimeError("the stopped process of the cast runs")
    lines = []
    for name, pid in cast.items():
        right = true_walls(one, pid)
        got = seen[name]
        if not isinstance(got, list):
            lines.append(("BAD", f"{name}: expected {shown(right)}, got {got!r}"))
            continue
        parts = [w for w in compared(right, set(got)) if w[0] != "GOOD"]
        wrong = ", ".join(f"MISSING {x}" if word == "MISSING" else x for word, x in parts)
        lines.append(("BAD", f"{name}: {wrong}") if parts else ("GOOD", f"{name}: {shown(right)}"))
    if not good(lines):
        raise Fail(code, ran="walls_of(pid) for each process", lines=lines)


def shown(walls):
    return " ".join(sorted(walls)) or "no wall"


def test_walls_of_ten(subject, cell):
    with cell("look", kinds=MANY, function="walls_of", moved=True) as one:
        judge_walls(one, members(one, MANY), "MD0006")


def test_walls_seccomp(subject, cell):
    kinds = ["plain", "seccomp", "seccomp in a container"]
    with cell("look", kinds=kinds, function="walls_of") as one:
        judge_walls(one, members(one, kinds), "MD0007")
    kinds = ["plain", "seccomp", "a filter like yours"]
    with cell("look", kinds=kinds, function="walls_of", filtered=True) as one:
        judge_walls(one, members(one, kinds), "MD0013")


def test_walls_ended(subject, cell):
    kinds = ["zombie", "ended", "ends while you look"]
    with cell("look", kinds=kinds, function="walls_of") as one:
        cast = members(one, kinds)
        seen = looked(one, cast)
        if one.proc.state(cast["zombie"]) != "Z":
            raise RuntimeError("the zombie of the cast is none")
        lines = compared(dict.fromkeys(kinds, "LookupError"), seen)
        if not good(lines):
            raise Fail("MD0008", ran="walls_of(pid)", lines=lines)


def test_walls_unreadable(subject, cell):
    kinds = ["plain", "a container"]
    with cell("look", kinds=kinds, function="walls_of", user=NOBODY) as one:
        cast = members(one, kinds)
        seen = looked(one, cast)
        lines = compared(dict.fromkeys(kinds, "PermissionError"), seen)
        if not good(lines):
            raise Fail("MD0009", ran="walls_of(pid), as user 65534, for processes of root",
                       lines=lines)  # fmt: skip


def test_walls_limit(subject, cell, blocked):
    kinds = ["plain", "own names"]
    with cell("look", kinds=kinds, function="walls_of") as one:
        if not one.cgroup and not one.groups:
            blocked("no cgroup can be made here for one process")
        found = {}
        while len(found) < len(kinds):
            message = one.expect("member")
            found[message["name"]] = message
        one.expect("cast")
        one.confine(found["own names"].sender)
        try:
            cast = {name: one.number(message.sender) for name, message in found.items()}
        except Gone:
            raise RuntimeError("the cast has ended") from None
        judge_walls(one, cast, "MD0010")
