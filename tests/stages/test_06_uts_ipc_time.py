"""Checks of lesson 06: names, messages and clocks.

The learner's functions work in a cell. The check joins their namespaces for a moment, from
outside, and asks the kernel there: which names, which clocks, which mounts.
"""

import json
import os
import random
import time

from looking_at_orders import explained
from looking_at_refusals import errors_come_out

from minidocker.course.outcomes import Fail, compared, good
from minidocker.grader.files import join_user
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux
from minidocker.proc import mounts

CLOCKS = ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC", "CLOCK_REALTIME")
ROOT = f"/tmp/a root-{random.randrange(10**6):06}"
SHM = f"{ROOT}/dev/shm"


def inside(pid, name, look):
    """Call look() in a child of ours that has joined one namespace of a process; its JSON.

    One that is ours already needs no door, and an ordinary user would have none.
    """
    if os.path.samefile(f"/proc/{pid}/ns/{name}", f"/proc/self/ns/{name}"):
        return json.loads(json.dumps(look()))
    end, begin = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            door = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
            join_user(pid)
            Linux().setns(door, f.NAMESPACES[name])
            os.write(begin, json.dumps(look()).encode())
        finally:
            os._exit(0)
    os.close(begin)
    text = b"".join(iter(lambda: os.read(end, 4096), b""))
    os.close(end)
    os.waitpid(child, 0)
    if not text:
        raise RuntimeError(f"no look into the {name} namespace of process {pid}")
    return json.loads(text)


def both_names():
    with open("/proc/sys/kernel/domainname") as file:
        return [os.uname().nodename, file.read().removesuffix("\n")]


def clocks():
    return {name: time.clock_gettime(getattr(time, name)) for name in CLOCKS}


def new_name(kind):
    return f"{kind}-{random.randrange(10**6):06}"


# --- set_names -------------------------------------------------------------------------


def named(one):
    """Wait until set_names has returned: names before, the sender, names outside now."""
    before = inside(one.expect("ready").sender, "uts", both_names)
    one.answer()
    message = one.expect("named", "by hand")
    if message.event == "by hand":
        raise Fail("MD9020", ran="set_names(…)", file=message["file"], call=message["call"])
    sender = message.sender
    return before, sender, inside(one.pid, "uts", both_names)


def long_name(kind):
    """A name of 64 bytes, the most: with a dot, a letter of two bytes and capitals."""
    name = new_name(kind) + ".Übung-"
    return name + "x" * (64 - len(name.encode()))


def test_names_own(subject, cell):
    for host, domain in ((long_name("box"), long_name("lab")),
                         (f" {new_name('BOX')} ", f" {new_name('LAB')} ")):  # fmt: skip
        ran = f"set_names(kernel, {host!r}, {domain!r})"
        with cell("names", hostname=host, domainname=domain) as one:
            _, sender, _ = named(one)
            seen = inside(sender, "uts", both_names)
            if seen != [host, domain]:
                raise Fail("MD0601", ran=ran, expected=f"{host!r} and {domain!r}",
                           kernel=" and ".join(map(repr, seen)))  # fmt: skip


def test_names_kept(subject, cell):
    host, domain = new_name("box"), new_name("lab")
    ran = f"set_names(kernel, {host!r}, {domain!r})"
    with cell("names", hostname=host, domainname=domain) as one:
        before, sender, after = named(one)
        if after != before:
            raise Fail("MD0602", ran=ran, expected=f"outside: {' and '.join(before)}",
                       kernel=f"outside: {' and '.join(after)}")  # fmt: skip
        theirs = one.proc.namespace(one.number(sender), "uts")
        if theirs == one.own["uts"]:
            raise Fail("MD0603", ran=ran, expected="another number than process 1's",
                       kernel=f"ns/uts of both: {theirs}")  # fmt: skip
        pid = one.number(sender)
        more = [f"the {name} namespace" for name in f.NAMESPACES
                if name != "uts" and one.proc.namespace(pid, name) != one.own[name]]  # fmt: skip
        more += ["one more process"] if set(one.proc.pids()) - {1, pid} else []
        if more:
            raise Fail("MD0621", ran=ran, function="set_names", expected="new names, no more",
                       kernel=", ".join(more))  # fmt: skip
    words = ["unshare", "sethostname", "setdomainname"]
    errors_come_out(cell, "set_names", ["box", "lab"], words)


def test_names_empty(subject, cell):
    host = new_name("box")
    with cell("names", hostname=host, domainname="", before=new_name("old")) as one:
        before, sender, _ = named(one)
        seen = inside(sender, "uts", both_names)
        if seen != [host, before[1]]:
            code = "MD0604" if seen[0] == host else "MD0601"
            raise Fail(code, ran=f"set_names(kernel, {host!r}, '')",
                       expected=f"{host} and {before[1]!r}",
                       kernel=f"{seen[0]} and {seen[1]!r}")  # fmt: skip


# --- clocks ----------------------------------------------------------------------------


def moved(pid):
    """By how many seconds each clock of a process differs from ours."""
    theirs = inside(pid, "time", clocks)
    return {name: round(theirs[name] - now) for name, now in clocks().items()}


def told(found):
    return ", ".join(f"{name} {seconds:+} s" for name, seconds in found.items())


def close(found, seconds):
    """A busy machine may be late: two seconds are no difference."""
    return abs(found["CLOCK_BOOTTIME"] - seconds) <= 2


NEEDS = (
    ("unshare", "offset", "No new time namespace waits for its offset"),
    ("fork", "clock", "There is no child yet"),
    ("offset", "fork", "A process is in the namespace, so its offset is fixed"),
)


def test_time_order(subject, cell):
    ran = "the steps of TIME_ORDER"
    with cell("time_order") as one:
        message = one.expect("clock", "refused", "wrong")
        if message.event == "wrong":
            raise Fail("MD0605", what=message["what"])
        if message.event == "refused":
            raise Fail("MD0606", step=message["step"], text=explained(message, NEEDS))
        found = moved(message.sender)
        if not close(found, 500):
            raise Fail("MD0607", ran=ran, seconds=500, kernel=told(found))


def child_of(one, ran):
    """Wait for the child that was forked after set_boot_offset, and for its parent."""
    seen = {}
    while len(seen) < 2:
        message = one.expect("child", "parent", "refused")
        if message.event == "refused":
            raise Fail("MD0608", ran=ran, function="set_boot_offset", text=message["text"])
        seen[message.event] = message.sender
    return seen["child"], seen["parent"]


def test_boot_clock(subject, cell):
    for seconds in (random.randrange(10**4, 10**6), -1 - random.randrange(3, 30)):
        ran = f"set_boot_offset(kernel, {seconds})"
        with cell("boot", seconds=seconds) as one:
            child, _ = child_of(one, ran)
            found = moved(child)
            if not close(found, seconds):
                raise Fail("MD0607", ran=ran, seconds=seconds, kernel=told(found))


def test_boot_only(subject, cell):
    seconds = random.randrange(10**4, 10**6)
    ran = f"set_boot_offset(kernel, {seconds})"
    with cell("boot", seconds=seconds) as one:
        child, parent = child_of(one, ran)
        found = moved(child)
        if one.proc.namespace(one.number(child), "time") == one.own["time"]:
            raise Fail("MD0609", ran=ran, kernel="ns/time of the child: as before")
        if abs(found["CLOCK_MONOTONIC"]) > 2 or abs(found["CLOCK_REALTIME"]) > 2:
            raise Fail("MD0610", ran=ran, kernel=told(found))
        pids = [one.number(who) for who in (child, parent)]
        rows = [line.split() for line in one.proc.read(pids[0], "timens_offsets").splitlines()]
        if ["monotonic", "0", "0"] not in rows or ["boottime", str(seconds), "0"] not in rows:
            raise Fail("MD0610", ran=ran, expected=f"monotonic 0 0 · boottime {seconds} 0",
                       kernel=" · ".join(map(" ".join, rows)))  # fmt: skip
        more = [f"the {name} namespace" for name in f.NAMESPACES if name not in ("time", "user")
                and one.proc.namespace(pids[1], name) != one.own[name]]  # fmt: skip
        if more:
            raise Fail("MD0621", ran=ran, function="set_boot_offset",
                       expected="a time namespace, no more", kernel=", ".join(more))  # fmt: skip
    errors_come_out(cell, "set_boot_offset", [500], ["unshare", "write"])


def test_boot_caller(subject, cell):
    seconds = random.randrange(10**4, 10**6)
    ran = f"set_boot_offset(kernel, {seconds})"
    with cell("boot", seconds=seconds) as one:
        child, parent = child_of(one, ran)
        numbers = {name: one.number(pid) for name, pid in (("child", child), ("parent", parent))}
        if one.proc.namespace(numbers["parent"], "time") != one.own["time"]:
            raise Fail("MD0611", ran=ran, expected=f"ns/time: {one.own['time']}",
                       kernel=f"ns/time: {one.proc.namespace(numbers['parent'], 'time')}")  # fmt: skip
        others = set(one.proc.pids()) - {1, *numbers.values()}
        if others:
            raise Fail("MD0612", ran=ran, count=len(others))
        if one.proc.namespace(numbers["child"], "time") == one.own["time"]:
            raise Fail("MD0609", ran=ran, kernel="ns/time of the child: as before")


# --- ipc_namespace ---------------------------------------------------------------------


def test_ipc_modes(subject, cell):
    with cell("ipc", modes=["private", "host", "container:PID"]) as one:
        neighbour = one.number(one.expect("neighbour").sender)
        one.expect("cast")
        one.answer(neighbour)
        theirs = one.proc.namespace(neighbour, "ipc")
        wanted = {"private": None, "host": one.own["ipc"], f"container:{neighbour}": theirs}
        for mode, number in wanted.items():
            message = one.expect("member", "refused", "wrong")
            ran = f"ipc_namespace({mode!r})"
            if message.event == "wrong":
                raise Fail("MD9012", ran=ran, name="ipc_namespace", value=message["value"],
                           wanted="pair of a number and a text")  # fmt: skip
            if message.event == "refused":
                raise Fail("MD0608", ran=ran, function="what ipc_namespace asked for",
                           text=message["text"])  # fmt: skip
            spaces = one.proc.namespaces(one.number(message.sender))
            others = {one.own["ipc"], theirs}
            right = spaces["ipc"] == number if number else spaces["ipc"] not in others
            rest = [name for name in one.own if name[:3] != "ipc" and spaces[name] != one.own[name]]
            if not right or rest:
                place = {one.own["ipc"]: "the caller's", theirs: "the neighbour's"}
                seen = place.get(spaces["ipc"], "a new one") + "".join(f", new {n}" for n in rest)
                raise Fail("MD0613", ran=ran, mode=mode, kernel=seen,
                           expected=place.get(number, "a new one"))  # fmt: skip
            one.expect("started")
            one.answer()


def test_ipc_refuses(subject, cell):
    modes = ["", "bogus", "container:", "container:web", "container:self", "container", "Private", "pod:1",
             "container:²", "container:1:2", "containers:7", "privately", "localhost", " private",
             "host ", "none", "shareable", "private:", "private:1", "host:7", "container:7x",
             "service:7"]  # fmt: skip
    random.shuffle(modes)
    with cell("ipc_refuses", modes=modes) as one:
        seen = one.expect("results")["seen"]
        for mode, value in seen.items():
            if value != "ValueError":
                raise Fail("MD0614", ran=f"ipc_namespace({mode!r})", mode=mode,
                           expected="ValueError", kernel=value)  # fmt: skip


# --- private_shm -----------------------------------------------------------------------


def mounted(one):
    """Wait for private_shm: the cell's number for its process, and the mount on the new place."""
    message = one.expect("mounted", "refused")
    ran = f"private_shm(kernel, {ROOT!r})"
    if message.event == "refused":
        raise Fail("MD0608", ran=ran, function="private_shm", text=message["text"])
    pid = one.number(message.sender)
    table = mounts.parse(one.proc.read(pid, "mountinfo"))
    if sum(mount.point == "/dev/shm" for mount in table) > 1:
        raise Fail("MD0615", ran=ran, expected=f"a mount on {SHM}", kernel="a mount on /dev/shm")
    found = [mount for mount in table if mount.point == SHM]
    if not found:
        raise Fail("MD0616", ran=ran, expected=f"a mount on {SHM}", kernel="none")
    more = [mount.point for mount in table if f"{mount.point}/".startswith(f"{ROOT}/")]
    if len(more) > 1:
        raise Fail("MD0622", ran=ran, expected=f"one mount, on {SHM}", kernel=" · ".join(more))
    return pid, found[-1], ran


def test_shm_private(subject, cell):
    with cell("shm", root=ROOT) as one:
        pid, mount, ran = mounted(one)
        files = one.files(pid).names(SHM)
        if files:
            raise Fail("MD0617", ran=ran, expected="no file", kernel=" ".join(files))
        if mount.fstype != "tmpfs":
            raise Fail("MD0618", ran=ran, expected="a tmpfs", kernel=f"a {mount.fstype}")
    errors_come_out(cell, "private_shm", ["/tmp/tree"], ["mount"])


def test_shm_options(subject, cell):
    with cell("shm", root=ROOT) as one:
        pid, mount, ran = mounted(one)
        files = one.files(pid)
        found = files.stat(SHM)
        options = {word for word in mount.options if word in ("nosuid", "nodev", "noexec", "ro")}
        options |= {f"owner {found.uid}"} if found.uid != 0 else set()
        size = files.run(lambda: size_of(SHM))
        seen = options | {f"mode={found.mode & 0o7777:o}", f"size={size >> 20}m"}
        lines = compared({"nosuid", "nodev", "noexec", "mode=1777", "size=64m"}, seen)
        if not good(lines):
            raise Fail("MD0619", ran=ran, lines=lines)


def size_of(path):
    found = os.statvfs(path)
    return found.f_blocks * found.f_frsize


# --- shared_memory -----------------------------------------------------------------------

PAIRS = {
    ("plain", "plain"): {"sysv", "posix"},
    ("plain", "own ipc"): {"posix"},
    ("plain", "own mounts, same shm"): {"sysv", "posix"},
    ("own mounts, same shm", "own ipc"): {"posix"},
    ("own shm", "plain"): {"sysv"},
    ("own shm", "a directory of shm"): {"sysv"},
    ("plain", "a directory of shm"): {"sysv"},
    ("own shm", "both"): set(),
    ("own ipc", "both"): set(),
}


def test_shared_memory(subject, cell):
    pairs = random.sample(list(PAIRS), len(PAIRS))
    with cell("shared") as one:
        members = {}
        while len(members) < 6:
            message = one.expect("member")
            members[message["name"]] = one.number(message.sender)
        one.expect("cast")
        one.answer([[members[name] for name in pair] for pair in pairs])
        answers = one.expect("results")["seen"]
        for pair, seen in zip(pairs, answers, strict=True):
            wanted = sorted(PAIRS[pair])
            if not isinstance(seen, list):
                raise Fail("MD9012", name="shared_memory", value=seen, wanted="set",
                           ran=f"shared_memory of: {pair[0]} · {pair[1]}")  # fmt: skip
            if seen != wanted:
                raise Fail("MD0620", ran=f"shared_memory of: {pair[0]} · {pair[1]}",
                           expected=str(wanted), kernel=str(seen))  # fmt: skip
