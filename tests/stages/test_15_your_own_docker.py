"""Checks of lesson 15: what a bundle lets out, what an engine writes, and three verbs of a runtime.

What comes out of a bundle is not in a table: each is run, where no learner's code is.
"""

import errno
import functools
import json
import os
import random
import secrets
import signal
import time

from looking_at_orders import explained

from minidocker.course.outcomes import Fail, compared, good
from minidocker.escapes import strangers
from minidocker.escapes.strange_host import laboratory
from minidocker.grader import bound
from minidocker.grader.probe import Gone

TYPES = ("pid", "network", "ipc", "uts", "mount", "user", "cgroup", "time")
ROUNDS, PAUSE = 5, 0.02  # looks, and seconds between two: a process that waits does not change


def somewhere():
    """A directory of the cell, two deep: the walls will cover the upper one."""
    return f"/tmp/{secrets.token_hex(4)}/a box ü{secrets.token_hex(2)}"


def answers(one, count):
    """Wait for a list of lists, one for each configuration."""
    message = one.expect("results")
    seen = message["seen"]
    if not isinstance(seen, list) or len(seen) != count:
        raise Fail("MD9008", ran=one.doing)
    if not message["kept"]:
        raise Fail("MD1528", ran=one.doing)
    return seen


def told(names):
    """Say a list of names."""
    return ", ".join(names) if isinstance(names, list) and names else str(names or "nothing")


# --- private and holes ---------------------------------------------------------------------------


def bundle_of(entries):
    """A configuration with these namespaces."""
    return {**strangers.sound(), "linux": {"namespaces": entries}}


def test_private(subject, cell):
    configs, truth = [], []
    own = set(random.sample(TYPES, 4))  # each type is new once and joined once, and often missing
    for number in range(8):
        listed = random.sample(TYPES, len(TYPES) if number < 2 else random.randrange(2, 8))
        joined = (set(TYPES) - own, own)[number] if number < 2 else set(listed[1:3])
        where = ("/run/ns", "/proc/1/ns", "/var/run/netns", "/ns")[number % 4]
        path = f"{where}/{secrets.token_hex(3)}"
        new = ({}, {"path": ""})
        configs.append(bundle_of([
            {"type": kind, "path": path} if kind in joined else {"type": kind, **new[at % 2]}
            for at, kind in enumerate(listed, number)
        ]))  # fmt: skip
        truth.append(sorted(set(listed) - joined))
    configs.append(bundle_of([]))
    truth.append([])
    with cell("configs", name="private", configs=configs) as one:
        seen = answers(one, len(configs))
        for config, wanted, found in zip(configs, truth, seen, strict=True):
            if found != wanted:
                entries = json.dumps(config["linux"]["namespaces"])
                lines = compared(set(wanted), set(found)) if isinstance(found, list) else []
                raise Fail("MD1501", ran=f"private(config) with namespaces {entries}",
                           expected=told(wanted), kernel=told(found), lines=lines)  # fmt: skip


def differs(config):
    """Say what of a bundle is not as in a sound one, in few words."""
    linux = config["linux"]
    entries = {one["type"]: one.get("path") for one in linux["namespaces"]}
    words = [f"{kind} {f'joins {entries[kind]}' if kind in entries else 'is missing'}"
             for kind in strangers.OWN if entries.get(kind, "?")]  # fmt: skip
    words += [f"{one['source']} {','.join(one['options'])}" for one in config["mounts"]
              if "rbind" in one["options"] or "bind" in one["options"]]  # fmt: skip
    words += [strangers.ADMIN] * (strangers.ADMIN in config["process"]["capabilities"]["bounding"])
    return "; ".join([*words, *(f"hook {kind}" for kind in config.get("hooks", {}))])


@functools.cache
def tried():
    """Eight bundles, drawn once in a grading, and what came out of each when it ran."""
    configs = strangers.strangers()
    with bound.current().aside():
        return configs, [sorted(came_out) for came_out in laboratory(configs)]


def test_holes(subject, cell):
    configs, truth = tried()
    with cell("configs", name="holes", configs=configs) as one:
        seen = answers(one, len(configs))
    lines = []
    for number, config in enumerate(configs):
        if seen[number] == truth[number]:
            lines.append(("GOOD", f"bundle {number + 1}: {told(truth[number])}"))
        else:
            lines.append(("BAD", f"bundle {number + 1} ({differs(config)}): "
                                 f"came out: {told(truth[number])}; you say: {told(seen[number])}"))  # fmt: skip
    if not good(lines):
        raise Fail("MD1502", ran="holes(config), and `minidocker oci run` of each", lines=lines)


# --- spec_of -------------------------------------------------------------------------------------

KEPT = ("CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_SETGID", "CAP_NET_RAW", "CAP_FOWNER")
SETS = ("bounding", "effective", "permitted")


def asked_for():
    """What somebody asks for, drawn anew."""
    x = secrets.token_hex(3)
    modes = random.sample(["ro", "rw", random.choice(["ro", "rw"])], 3)
    return {
        "command": ["sh", "-c", f"echo {x}"], "hostname": f"box-{x}", "root": f"/srv/{x}",
        "keep": random.sample(KEPT, 3), "memory": random.randrange(1 << 12, 1 << 20) << 12,
        "volumes": [[f"/srv/{x}{n}", f"/v/{n} {x}", mode] for n, mode in enumerate(modes)],
    }  # fmt: skip


def written(one):
    """Wait for the configuration that spec_of has written."""
    config = one.expect("written")["config"]
    if not isinstance(config, dict):
        raise Fail("MD9012", name="spec_of", value=repr(config)[:60], wanted="dictionary")
    return config


def part(config, *path):
    """Return a part of a configuration; Fail where there is none of this kind."""
    value = config
    for number, key in enumerate(path):
        if not isinstance(value, dict) or key not in value:
            name = ".".join(path[: number + 1])
            raise Fail("MD1507", name=name, ran="spec_of(options)", kernel=f"there is no {name}")
        value = value[key]
    return value


def test_spec_walls(subject, cell):
    asked = asked_for()
    with cell("spec", options=asked) as one:
        config = written(one)
    ran = "spec_of(options)"
    entries = part(config, "linux", "namespaces")
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise Fail("MD1507", name="linux.namespaces", ran=ran, kernel=repr(entries)[:80])
    names = [str(one.get("type")) for one in entries]
    lines = compared(set(strangers.OWN), set(names) - {"cgroup"})
    lines += [("BAD", f"{name} twice") for name in set(names) if names.count(name) > 1]
    lines += [("BAD", f"{one['type']} joins {one['path']}") for one in entries if one.get("path")]
    if not good(lines):
        raise Fail("MD1503", ran=ran, lines=lines)
    sets = part(config, "process", "capabilities")
    if not isinstance(sets, dict):
        raise Fail("MD1507", name="process.capabilities", ran=ran, kernel=repr(sets)[:80])
    plain = {name: sorted(map(str, kept)) if isinstance(kept, list) else repr(kept)
             for name, kept in sets.items() if kept}  # fmt: skip
    lines = compared(dict.fromkeys(SETS, sorted(asked["keep"])), plain)
    if not good(lines):
        raise Fail("MD1504", ran=ran, lines=lines)


def test_spec_values(subject, cell):
    asked = asked_for()
    ran = "spec_of(options)"
    with cell("spec", options=dict(asked)) as one:
        config = written(one)
        if not one.expect("kept")["kept"]:
            raise Fail("MD1529", ran=ran)
    plain = {"root.path": asked["root"], "hostname": asked["hostname"],
             "process.args": asked["command"], "process.noNewPrivileges": True}  # fmt: skip
    for name, value in plain.items():
        if part(config, *name.split(".")) != value:
            raise Fail("MD1507", name=name, ran=ran, expected=value,
                       kernel=repr(part(config, *name.split(".")))[:80])  # fmt: skip
    mounts = part(config, "mounts")
    mounts = [one for one in mounts if isinstance(one, dict)] if isinstance(mounts, list) else []
    for source, target, mode in asked["volumes"]:
        there = [one for one in mounts if one.get("destination") == target]
        words = there[0].get("options") if len(there) == 1 else None
        words = words if isinstance(words, list) else []
        last = [word for word in words if word in ("ro", "rw")][-1:]
        more = set(map(str, words)) - {"rbind", "ro", "rw", "rprivate", "private", "nosuid", "nodev"}
        right = there and there[0].get("source") == source and "rbind" in words and not more
        if not right or (last or ["rw"]) != [mode]:
            raise Fail("MD1505", ran=ran, expected=f"{source} at {target}: rbind, {mode}",
                       kernel=json.dumps(there)[:120])  # fmt: skip
    memory = part(config, "linux", "resources", "memory")
    lines = compared({"limit": asked["memory"], "swap": asked["memory"]},
                     memory if isinstance(memory, dict) else {})  # fmt: skip
    if not good(lines):
        raise Fail("MD1506", ran=ran, lines=lines)


# --- create --------------------------------------------------------------------------------------

NEEDS = (
    ("fifo", "open", "The pipe is not there yet"),
    ("open", "walls", "The pipe was not opened, and behind the walls it has no name"),
    ("spawn", "open", "There is no child yet"),
)


def standing(one, pid, directory):
    """Say whether the walls of a process stand: a mount covers the directory's place."""
    points = [line.split()[4] for line in one.proc.read(pid, "mountinfo").splitlines()]
    return os.path.dirname(directory) in points


def test_create_order(subject, cell):
    directory = somewhere()
    with cell("order", directory=directory) as one:
        heard = False
        while True:
            message = one.expect("wrong", "refused", "told", "record", "over")
            if message.event == "wrong":
                raise Fail("MD1508", what=message["what"])
            if message.event == "refused":
                text = explained(message, NEEDS)
                raise Fail("MD1509", step=message["step"], text=text)
            if message.event == "over":
                return
            stands = standing(one, message["child"], directory)
            ran = f"the steps of CREATE_ORDER, up to {message.event!r}"
            if message.event == "told":
                heard = True
                if not stands:
                    raise Fail("MD1510", ran=ran, expected="the walls stand",
                               kernel="no mount covers the place of DIRECTORY")  # fmt: skip
            elif not stands or not heard:
                raise Fail("MD1511", ran=ran, expected="the child has said \"ready\"",
                           kernel="it has not" if stands else "its walls do not stand yet")  # fmt: skip
            one.answer()


def still(one, *pids):
    """Wait until processes sleep and do nothing more: they wait for something. Gone: one ended."""
    same, before = 0, None
    words = ("State", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
    while same < ROUNDS:
        one.bound.check()
        now = [[one.proc.field(pid, word) for word in words] for pid in pids]
        if any(state.startswith(("Z", "X")) for state, *_ in now):
            raise Gone("a process has ended")
        asleep = all(state.startswith("S") for state, *_ in now)
        same = same + 1 if now == before and asleep else 0
        before = now
        time.sleep(PAUSE)


def building(one, ran):
    """Wait until the walls are to be built; let them only when create cannot go on without them."""
    message = one.expect("walls", "returned", "command", "refused")
    if message.event == "command":
        raise Fail("MD1514", ran=ran, expected="first the walls", kernel="the command runs")
    if message.event in ("returned", "refused"):
        raise Fail("MD1512", ran=ran, expected="walls() is called, then create returns",
                   kernel="create returned, and nobody has called walls()")  # fmt: skip
    pid = one.number(message.sender)
    parent = next(found for found, below in family(one).items() if pid in below)
    still(one, parent, pid)
    early = [message.event for message in one.quiet(0.01)]
    if "returned" in early:
        raise Fail("MD1512", ran=ran, expected="the walls stand when create returns",
                   kernel="create has returned, and walls() is not done")  # fmt: skip
    if "command" in early:
        raise Fail("MD1514", ran=ran, expected="first the walls", kernel="the command runs")
    one.answer()
    return pid, parent


def family(one):
    """Return pid → the pids of its children, of all that is in the cell."""
    return {pid: set(one.proc.children(pid)) for pid in one.proc.pids()}


def returned(one, pid, parent, ran):
    """Wait until create has returned; Fail when it waits for the child, and the child for it."""
    while True:
        for message in one.quiet(0.02):
            if message.event == "returned":
                return message
            if message.event == "command":
                raise Fail("MD1514", ran=ran, expected="create returns first, and start follows",
                           kernel="the command runs")  # fmt: skip
            one.unexpected(message)
        try:
            still(one, parent, pid)
        except Gone:
            return one.expect("returned")  # or what became of it
        late = one.quiet(0.01)
        if not late:
            raise Fail("MD1513", ran=ran, expected="create returns", kernel="it waits")
        one._early += late


def nobody_waits(one, path):
    """Ask the kernel from outside whether somebody has the pipe open to read."""
    def look():
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW))
            return False
        except OSError as problem:
            return problem.errno in (errno.ENXIO, errno.ENOENT)

    return one.files(1).run(look)


def test_create_waits(subject, cell):
    directory = somewhere()
    ran = f"create(kernel, {directory!r}, walls, command)"
    with cell("create", directory=directory, broken=False) as one:
        pid, parent = building(one, ran)
        message = returned(one, pid, parent, ran)
        if message["value"] != pid:
            raise Fail("MD1516", ran=ran, expected=f"{pid}", kernel=f"{message['value']}")
        asleep(one, pid, ran)
        if not standing(one, pid, directory):
            raise Fail("MD1512", ran=ran, expected="the walls stand",
                       kernel="no mount covers the directory's place")  # fmt: skip
        for _ in range(2):  # who looks and goes away has started nothing
            if nobody_waits(one, f"{directory}/go"):
                raise Fail("MD1515", ran=ran, expected="somebody reads the pipe", kernel="ENXIO")
        the_record(one, directory, pid, ran)
        asleep(one, pid, f"{ran}, then the pipe was opened to write, and closed")
        let_go(one, f"{directory}/go")
        try:
            begins(one, pid, ran)
        except Gone:
            raise Fail("MD1518", ran=ran, expected="the command runs",
                       kernel="the process has ended") from None  # fmt: skip
        if not nobody_waits(one, f"{directory}/go"):
            raise Fail("MD1519", ran=f"{ran}, then the command", expected="ENXIO",
                       kernel="somebody still reads the pipe")  # fmt: skip


def asleep(one, pid, ran):
    """Wait until the container does nothing more; Fail when it has begun its command."""
    try:
        still(one, pid)
    except Gone:
        raise Fail("MD1515", ran=ran, expected="it waits", kernel="it has ended") from None
    if any(found.event == "command" for found in one.quiet(0.01)):
        raise Fail("MD1514", ran=ran, expected="the command waits for a byte", kernel="it runs")


def the_record(one, directory, pid, ran):
    """Compare the record with what the kernel says."""
    try:
        record = json.loads(one.files(1).read(f"{directory}/record.json"))
    except (OSError, ValueError) as problem:
        raise Fail("MD1517", ran=ran, text=str(problem)) from None
    began = int(one.proc.read(pid, "stat").rpartition(")")[2].split()[19])
    if not isinstance(record, dict) or (record.get("pid"), record.get("began")) != (pid, began):
        raise Fail("MD1517", ran=ran, text=f"pid {pid}, began at {began}",
                   kernel=json.dumps(record)[:100])  # fmt: skip


def let_go(one, path):
    """Write a byte into the pipe, from outside."""
    def write():
        go = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        os.write(go, b"0")
        os.close(go)

    one.files(1).run(write)


def begins(one, pid, ran):
    """Wait until the process has become its command; Fail when it goes on waiting.

    It has the new name before the last of its exec, which closes the pipe: so until it sleeps.
    """
    while one.proc.read(pid, "comm").strip() != "sleep":
        one.bound.check()
        time.sleep(PAUSE)
        if one.proc.read(pid, "comm").strip() != "sleep":
            still(one, pid)
            if one.proc.read(pid, "comm").strip() != "sleep":
                raise Fail("MD1518", ran=ran, expected="the command runs", kernel="it waits")
    still(one, pid)


def test_create_fails(subject, cell):
    directory = somewhere()
    ran = f"create(kernel, {directory!r}, walls, command), and walls() raises an OSError"
    with cell("create", directory=directory, broken=True) as one:
        building(one, ran)
        message = one.expect("refused", "returned", "command")
        if message.event == "command":
            raise Fail("MD1514", ran=ran, expected="no command without walls", kernel="it runs")
        if message.event == "returned":
            raise Fail("MD1520", ran=ran, expected="RuntimeError",
                       kernel=f"create returned {message['value']}")  # fmt: skip
        if "record.json" in one.files(1).names(directory):
            raise Fail("MD1521", ran=ran, expected="no record.json", kernel="it is there")
    directory = somewhere()  # an error in any case would be no answer
    ran = f"create(kernel, {directory!r}, walls, command), and walls() works"
    with cell("create", directory=directory, broken=False) as one:
        returned(one, *building(one, ran), ran)


# --- start and state -----------------------------------------------------------------------------


def test_start_once(subject, cell):
    directory, ran = somewhere(), "start(directory) of a container that waits"
    with cell("start", directory=directory) as one:
        message = one.expect("started")
        if message["result"] != "returned":
            raise Fail("MD1527", ran=ran, expected="it returns", kernel="ValueError")
        child = next(iter(one.proc.children(one.number(message.sender))))
        still(one, child)
        if not any(found.event == "began" for found in one.quiet(0.01)):
            raise Fail("MD1522", ran=ran, expected="the command runs", kernel="it waits")
        one.answer()
        message = one.expect("again")
        if message["result"] != "ValueError":
            raise Fail("MD1523", ran="start(directory), for the second time", expected="ValueError",
                       which="it runs already", kernel="it returned")  # fmt: skip


WHICH = {"never": "there is no pipe", "ended": "it has ended before its start",
         "left": "a pipe is left, and nobody reads it"}  # fmt: skip
OTHERS = {"directory": (errno.EISDIR, '"go" is a directory'),
          "loop": (errno.ELOOP, '"go" is a link to itself')}  # fmt: skip


def test_start_refuses(subject, cell):
    place = somewhere()
    names = {kind: f"{place}/{secrets.token_hex(4)}" for kind in (*WHICH, *OTHERS)}
    with cell("refuses", names=names) as one:
        one.expect("cast")
        seen = one.ask_about(names)
    for name, which in WHICH.items():
        if seen[name] != "ValueError":
            raise Fail("MD1523", which=which, ran="start(directory)", expected="ValueError",
                       kernel=seen[name])  # fmt: skip
    for name, (number, which) in OTHERS.items():
        if seen[name] != f"OSError {number}":
            raise Fail("MD1524", which=which, ran="start(directory)", kernel=seen[name],
                       expected=f"OSError: {os.strerror(number)}")  # fmt: skip


STATES = {"made": "creating", "half": "creating", "waits": "created", "waits too": "created",
          "runs": "running", "halted": "running", "ended": "stopped", "zombie": "stopped",
          "reused": "stopped", "older": "stopped", "rebooted": "stopped"}  # fmt: skip
SAID = {"made": "no record yet", "half": "half a record", "waits": "it waits at the pipe",
        "waits too": "it waits at the pipe", "runs": "its command runs",
        "halted": "its command was halted by SIGSTOP: it has not ended",
        "ended": "its process is gone", "zombie": "its process is a zombie",
        "reused": "its number is another process's now",
        "older": "its number is another process's, which began before",
        "rebooted": "its record is of an earlier boot"}  # fmt: skip


def a_life(one, directory):
    """Start a container that was asked about, then end it; ask again after each: GOOD, BAD lines."""
    lines = []
    let_go(one, f"{directory}/go")
    pid = next(found.sender for found in iter(lambda: one.expect("looked"), None)
               if found["directory"] == directory)  # fmt: skip
    begins(one, one.number(pid), "state(directory)")
    for what, wanted in (("was started", "running"), ("has ended", "stopped")):
        one.answer(directory)
        found = one.expect("again")["value"]
        right = found == repr(wanted)
        lines.append(("GOOD" if right else "BAD", f"it waited, was asked about, and {what} since: "
                      f"{found}" + ("" if right else f", expected {wanted!r}")))  # fmt: skip
        one.signal(pid, signal.SIGKILL)
        while one.proc.state(one.number(pid)) != "Z":
            time.sleep(0.002)
    return lines


def test_state(subject, cell):
    place = f"/tmp/{secrets.token_hex(4)}"
    kinds = random.sample(list(STATES), len(STATES))
    names = {kind: f"{place}/{secrets.token_hex(4)}" for kind in kinds}
    with cell("state", names=names) as one:
        one.expect("cast")
        seen = one.ask_about(names)
        looked, left = set(), 0.05
        while left > 0:  # time counts only while nobody in the cell wants the processor
            looked |= {found["directory"] for found in one.quiet(0.01) if found.event == "looked"}
            one.bound.check()
            left -= 0.0 if one.proc.load()[0] else 0.01
        lines = [] if looked & {names["waits"], names["waits too"]} else a_life(one, names["waits"])
    for kind, wanted in STATES.items():
        said = seen[kind] if isinstance(seen[kind], list) else [seen[kind]]
        for found in dict.fromkeys(map(str, said)):
            right = found == repr(wanted)
            lines.append(("GOOD", f"{SAID[kind]}: {found}") if right else
                         ("BAD", f"{SAID[kind]}: {found}, expected {wanted!r}"))  # fmt: skip
    if looked & {names["waits"], names["waits too"]}:
        raise Fail("MD1526", ran="state(directory), twice", expected="the command waits",
                   kernel="it runs")  # fmt: skip
    if not good(lines):
        raise Fail("MD1525", ran="state(directory)", lines=lines)
