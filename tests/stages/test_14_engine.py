"""Checks of lesson 14: what an engine does for a container that runs alone.

Records are compared with what the check itself has written; a new process with the container's
PID 1, as the kernel shows both; waits by a clock that stands still.
"""

import contextlib
import hashlib
import os
import random
import secrets
import time

from looking_at_orders import explained

from minidocker.chamber.cgroups import Tree
from minidocker.course.outcomes import Fail, compared, good
from minidocker.errors import Blocked
from minidocker.grader.probe import Gone
from minidocker.kernel import flags as f

POWER = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
         "Seccomp_filters", "Uid", "Gid")  # fmt: skip
SETS = POWER[:5]
EXEC = "exec_in(kernel, container, argv)"


# --- status_of -----------------------------------------------------------------------------


def boot():
    """The name of a boot, as the kernel writes it."""
    text = secrets.token_hex(16)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def plain(record, **more):
    return {**record, **more}


def test_status_told(subject, cell):
    proc, now = f"/tmp/proc {secrets.token_hex(3)}", boot()
    pids = random.sample(range(2, 4_000_000), 8)
    starts = [0, *(random.randrange(100, 10**9) for _ in pids[1:])]
    names = ["sleep", "a) Z 1 (b", "two words", ") 1 2 3", "Z", "(Z)", "x y z", "sh"]
    random.shuffle(names)
    states = [*random.sample("SRDTI", 5), "Z", "X", "S"]
    processes = {str(pid): [state, name, start]
                 for pid, state, name, start in zip(pids, states, names, starts, strict=True)}  # fmt: skip
    whole = [{"pid": pid, "start": start, "boot": now}
             for pid, start in zip(pids, starts, strict=True)]  # fmt: skip
    free = next(pid for pid in range(2, 100) if pid not in pids)
    some, code = random.choice(whole[:5]), random.randrange(1, 256)
    cases = [(record, "running") for record in whole[:5]]
    cases += [(plain(record, exit=None), "running") for record in random.sample(whole[:5], 2)]
    cases += [(record, "crashed") for record in whole[5:7]]
    cases += [
        (plain(some, exit=0), "exited"), (plain(some, exit=code), "exited"), ({"exit": 0}, "exited"),
        (plain(whole[5], exit=code), "exited"),
        (plain(some, pid=free, exit=0), "exited"),
        (plain(some, pid=free), "crashed"),
        (plain(some, start=some["start"] + random.randrange(1, 999)), "crashed"),
        (plain(some, start=some["start"] - random.randrange(1, 99)), "crashed"),
        (plain(some, start=some["start"] + 1), "crashed"),
        (plain(some, boot=boot()), "crashed"), (plain(some, pid=free, boot=boot()), "crashed"),
        ({}, "unknown"), ({"exit": None}, "unknown"), (plain(some, pid=None), "unknown"),
        (plain(some, boot=None), "unknown"), (plain(some, start=None), "unknown"),
    ]  # fmt: skip
    cases += [({key: value for key, value in some.items() if key != lost}, "unknown")
              for lost in some]  # fmt: skip
    random.shuffle(cases)
    records = [record for record, _ in cases]
    with cell("told", proc=proc, processes={"boot": now, **processes}, records=records) as one:
        message = one.expect("results")
        judge_status(cases, message["seen"], "MD1401", ran := f"status_of(record, {proc!r})")
        if not message["kept"]:
            raise Fail("MD1432", ran=ran)


def judge_status(cases, seen, code, ran, words=None):
    """Compare the answers, those that are wrong first."""
    named = words or [str(record) for record, _ in cases]
    lines = compared(dict(zip(named, (right for _, right in cases), strict=True)),
                     dict(zip(named, seen, strict=True)))  # fmt: skip
    if not good(lines):
        lines.sort(key=lambda line: line[0] == "GOOD")
        raise Fail(code, ran=ran, lines=lines[:8])


def test_status_real(subject, cell):
    with cell("real") as one:
        pids = one.expect("cast")["pids"]
        with open("/proc/sys/kernel/random/boot_id") as file:
            now = file.read().strip()

        def record(name):
            words = one.proc.read(pids[name], "stat").rpartition(")")[2].split()
            return {"pid": pids[name], "start": int(words[19]), "boot": now}

        asleep = record("sleeps")
        other = plain(record("another"), start=asleep["start"] - random.randrange(1, 50))
        cases = {
            "it sleeps": (asleep, "running"),
            "it is stopped": (record("is stopped"), "running"),
            "it is a zombie": (record("a zombie"), "crashed"),
            "a zombie, and its status is noted": (plain(record("a zombie"), exit=0), "exited"),
            "its number belongs to a younger process": (other, "crashed"),
            "its number belongs to a process of another boot": (plain(asleep, boot=boot()), "crashed"),
            "there is no such process": (plain(asleep, pid=3_999_999), "crashed"),
        }  # fmt: skip
        words = random.sample(list(cases), len(cases))
        one.answer([cases[word][0] for word in words])
        seen = one.expect("results")["seen"]
        told = [cases[word] for word in words]
        judge_status(told, seen, "MD1402", "status_of(record, '/proc')", words)


# --- exec --------------------------------------------------------------------------------------


def some_power():
    """A random set of capabilities, which never lets its holder join or change a namespace."""
    names = random.sample([n for n in f.CAPABILITIES[:15] if n != "CAP_SETPCAP"], 4)
    return sum(1 << f.CAPABILITIES.index(name) for name in names)


@contextlib.contextmanager
def entered(cell, scene, **args):
    """A cell with a container in it; yield (cell, PID 1, the tree or None)."""
    group = f"box{random.randrange(1000, 9999)}"
    with contextlib.ExitStack() as stack:
        try:
            tree = stack.enter_context(Tree())
        except (Blocked, OSError):
            tree = None  # an ordinary user's: the group is a plain directory there
        one = stack.enter_context(cell(scene, keep=some_power(), group=group, **args))
        sender = one.expect("outside").sender
        if tree:
            tree.take(sender)
        one.answer(bool(tree))
        first = one.expect("container")["pid"]
        one.answer()
        yield one, first, tree, group


def power(one, pid, plus=0):
    """What a process may do: name → text; plus so many filters."""
    found = {name: " ".join(one.proc.field(pid, name).split()) for name in POWER}
    filters = found["Seccomp_filters"]
    return {**found, "Seccomp_filters": str(int(filters) + plus) if filters else ""}


def cells_own(one, sender):
    """How many filters the cell itself has put before learner code; PID 1 is older than these."""
    return int(one.proc.field(one.number(sender), "Seccomp_filters") or 0)


def place(one, pid):
    """Where a process is: its namespaces, its root, its numbers."""
    found = {name: number for name, number in one.proc.namespaces(pid).items()
             if not name.endswith("_for_children")}  # fmt: skip
    return {**found, "root": str(one.proc.root(pid)), "levels": len(one.proc.numbers(pid))}


def alike(ours, theirs):
    """GOOD and BAD lines: the new process beside PID 1."""
    return [("GOOD", f"{name}: as PID 1") if theirs.get(name) == value
            else ("BAD", f"{name}: {theirs.get(name)}, and PID 1's is {value}")
            for name, value in ours.items()]  # fmt: skip


def stronger(one, pid, first):
    """Say whether a process that is inside has a capability that PID 1 has not."""
    if one.proc.namespace(pid, "pid") != one.proc.namespace(first, "pid"):
        return False
    mine = [int(one.proc.field(pid, name), 16) for name in SETS]
    its = [int(one.proc.field(first, name), 16) for name in SETS]
    return any(a & ~b for a, b in zip(mine, its, strict=True))


def command_of(one, pid):
    try:
        return one.proc.read(pid, "cmdline").split("\0")[:-1]
    except Gone:
        return None


def executed(one, argv, first):
    """Follow exec_in to its end; return (helper, new process, its messages)."""
    seen = {}
    message = one.expect("helper")
    helper, argv = message["pid"], message["argv"]
    seen["filters"], seen["main"] = cells_own(one, message.sender), message.sender
    answered = False
    end = time.monotonic() + 20
    while True:
        one.bound.check()
        for message in one.quiet(0.02):
            if message.event in ("born", "returned"):
                seen[message.event] = message
            else:
                one.unexpected(message)
        if command_of(one, helper) == argv:
            raise Fail("MD1409", ran=EXEC)
        if "born" in seen and not answered:
            seen["stronger"] = stronger(one, one.number(seen["born"].sender), first)
            one.answer()
            answered = True
        if "returned" in seen:
            value = seen["returned"]["value"]
            mine = one.proc.children(helper)
            if seen["returned"]["kind"] != "int" or value not in mine:
                raise Fail("MD1410", ran=EXEC, value=repr(value))
            if command_of(one, value) == argv:
                return helper, value, seen
            if mine[value] == "Z" or time.monotonic() > end:
                raise Fail("MD1428", ran=EXEC, expected=" ".join(argv),
                           kernel=" ".join(command_of(one, value) or ["it has ended"])[:100])  # fmt: skip
        elif command_of(one, helper) is None or one.proc.state(helper) == "Z":
            raise Fail("MD1410", ran=EXEC, value="nothing: its caller has ended")


def argv():
    return ["sleep", str(random.randrange(600, 6000))]


def test_exec_place(subject, cell):
    env = {"PATH": "/usr/bin:/bin", "BOX": secrets.token_hex(4)}
    with entered(cell, "exec", argv=argv(), env=env) as (one, first, _, _):
        _, pid, _ = executed(one, argv, first)
        lines = alike(place(one, first), place(one, pid))
        if not good(lines):
            raise Fail("MD1408", ran=EXEC, lines=lines)
        brings_nothing_in(one, pid, env)
    with cell("exec_refused", words=["write", "setns", "fork"]) as one:
        refusals(one)


def descriptors_of(one, pid):
    place = os.open(f"{pid}/fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=one.proc.descriptor)
    try:
        return [int(name) for name in os.listdir(place)]
    finally:
        os.close(place)


def brings_nothing_in(one, pid, env):
    """The command has its container's environment, and no descriptor of the helper's."""
    files = one.files(pid)
    text = files.as_root(lambda: one.proc.read(pid, "environ"))
    lines = compared({f"{key}={value}" for key, value in env.items()}, set(text.split("\0")[:-1]))
    if not good(lines):
        raise Fail("MD1430", ran=EXEC, lines=lines)
    left = sorted(set(files.as_root(lambda: descriptors_of(one, pid))) - {0, 1, 2})
    if left:
        raise Fail("MD1431", ran=EXEC, expected="0, 1 and 2 are open",
                   kernel=f"{', '.join(map(str, left))} too")  # fmt: skip


def test_exec_power(subject, cell):
    with entered(cell, "exec", argv=argv()) as (one, first, _, _):
        _, pid, seen = executed(one, argv, first)
        lines = alike(power(one, first, seen["filters"]), power(one, pid))
        if not good(lines):
            raise Fail("MD1411", ran=EXEC, lines=lines)
        if seen.get("stronger"):
            raise Fail("MD1412", ran=EXEC)
    with cell("exec_refused", words=["prctl", "capset", "seccomp"]) as one:
        refusals(one)


def refusals(one):
    """An error of the kernel must come out of exec_in."""
    silent = one.expect("results")["silent"]
    if silent:
        raise Fail("MD9018", name="exec_in", word=silent[0],
                   ran=f"{EXEC}, while the kernel refuses {silent[0]} with EPERM",
                   expected="the OSError comes out of it", kernel="it returned")  # fmt: skip


def test_exec_group(subject, cell):
    with entered(cell, "exec", argv=argv()) as (one, first, tree, group):
        helper, pid, seen = executed(one, argv, first)
        if tree is None:  # what was written, and by whom it could have been
            text = one.files(1).read(f"/tmp/{group}/cgroup.procs").decode(errors="replace").strip()
            if text not in ("0", str(helper), str(pid)):
                raise Fail("MD1413", ran=EXEC, expected="0 in its cgroup.procs",
                           kernel=repr(text))  # fmt: skip
            return
        main, helpers = seen["main"], seen["returned"].sender
        mine = tree.home(outer(one, pid, helpers))
        if mine != group:
            raise Fail("MD1413", ran=EXEC, expected=f"0::/{group}", kernel=f"0::/{mine}")
        homes = {"PID 1": tree.home(outer(one, first, main)), "the engine": tree.home(main)}
        lines = compared({"PID 1": group, "the engine": "grader"}, homes)
        if not good(lines):
            raise Fail("MD1414", ran=EXEC, lines=lines)


def outer(one, number, parent):
    """The pid out here of a child of `parent`, which is a pid out here."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(Gone, OSError, LookupError, ValueError):
                with open(f"/proc/{name}/stat", errors="replace") as file:
                    above = int(file.read().rpartition(")")[2].split()[1])
                if above == parent and one.number(int(name)) == number:
                    return int(name)
    raise Fail("MD1410", ran=EXEC, value=number)


NEEDS = (
    ("group", "namespaces", "The cgroup's files are the host's: the container's root has none"),
    ("namespaces", "rights", "setns(2) needs the rights of root"),
)


def wait_for_exec(one, pid):
    """Wait until the process is another program."""
    end = time.monotonic() + 20
    while (command_of(one, pid) or [""])[0] != "sleep":
        one.bound.check()
        if time.monotonic() > end:
            raise Fail("MD1428", ran="the steps of EXEC_ORDER", expected="sleep")
        time.sleep(0.01)


def test_exec_order(subject, cell):
    ran = "the steps of EXEC_ORDER"
    with entered(cell, "order") as (one, first, _, _):
        own = cells_own(one, one.expect("begins").sender)
        one.answer()
        while True:
            message = one.expect("born", "exec", "refused", "wrong")
            if message.event == "wrong":
                raise Fail("MD1403", what=message["what"])
            if message.event == "refused":
                raise Fail("MD1404", ran=ran, step=message["step"], text=explained(message, NEEDS))
            pid = one.number(message.sender)
            if message.event == "exec":
                break
            if stronger(one, pid, first):
                raise Fail("MD1405", ran=ran)
            one.answer()
        if message["never"]:
            raise Fail("MD1407", ran=ran, steps=message["never"])
        one.answer()
        wait_for_exec(one, pid)
        lines = alike({**place(one, first), **power(one, first, own)},
                      {**place(one, pid), **power(one, pid)})  # fmt: skip
        if not good(lines):
            lines.sort(key=lambda line: line[0] == "GOOD")
            raise Fail("MD1406", ran=ran, lines=lines[:8])


# --- stop --------------------------------------------------------------------------------------


def stopped(one):
    """Wait for the keeper's word and for stop's return, in either order."""
    seen = {}
    while len(seen) < 2:
        message = one.expect("ended", "returned")
        seen[message.event] = message
    return seen


def returned(message, wanted, ran):
    """stop must say True or False, and leave the pidfd open."""
    if not message["kept"]:
        raise Fail("MD1433", ran=ran)
    value = message["value"]
    if value is not wanted:
        raise Fail("MD1418", ran=ran, value=value, wanted=wanted)


def heard(one, seconds):
    """Listen for so long: what came of the stop's story."""
    found = {}
    for message in one.quiet(seconds):
        if message.event in ("asked", "ended", "returned"):
            found[message.event] = message
        else:
            one.unexpected(message)
    return found


def test_stop_grace(subject, cell):
    grace = random.randrange(20, 40)
    ran = f"stop(pidfd, {grace}); the process cleans up, then exits with 7"
    with cell("stop", kind="polite", grace=grace) as one:
        one.expect("target")
        seen = {}
        message = one.expect("asked", "ended", "returned")
        seen[message.event] = message
        seen |= heard(one, 0.5)  # it cleans up; a grace counted in milliseconds is over meanwhile
        if "ended" in seen:
            status = seen["ended"]["status"]
            if "asked" not in seen and status & 0x7F != f.SIGKILL:
                raise Fail("MD1416", ran=ran, expected="SIGTERM", kernel=f"raw status {status:#x}")
            raise Fail("MD1415", ran=ran, expected="exit status 7", kernel=f"raw status {status:#x}")
        if "asked" not in seen:
            raise Fail("MD1416", ran=ran, expected="SIGTERM", kernel="no signal")
        if "returned" in seen:
            raise Fail("MD1429", ran=ran, grace=grace)
        one.answer()
        seen = stopped(one)
        status = seen["ended"]["status"]
        if status != 7 << 8:
            raise Fail("MD1415", ran=ran, expected="exit status 7", kernel=f"raw status {status:#x}")
        returned(seen["returned"], True, ran)
    ran = f"stop(pidfd, {grace}); the process ends at SIGTERM"
    with cell("stop", kind="quick", grace=grace) as one:
        one.expect("target")
        seen = stopped(one)
        if seen["ended"]["status"] != f.SIGTERM:
            raise Fail("MD1416", ran=ran, expected=f"raw status {f.SIGTERM:#x}",
                       kernel=f"raw status {seen['ended']['status']:#x}")  # fmt: skip
        returned(seen["returned"], True, ran)
    if not ends_the_deaf(cell, 0.3) and not ends_the_deaf(cell, 4.0):
        raise Fail("MD1416", ran="stop(pidfd, 4.0); the process ignores SIGTERM",
                   expected="SIGTERM, then SIGKILL", kernel="SIGKILL alone")  # fmt: skip


def ends_the_deaf(cell, grace):
    """Judge how stop ends who ignores SIGTERM; say whether that one was asked at all.

    On a machine that is busy enough a short grace is over before it can say that it was asked.
    """
    ran = f"stop(pidfd, {grace}); the process ignores SIGTERM"
    with cell("stop", kind="deaf", grace=grace) as one:
        one.expect("target")
        if one.expect("asked", "ended").event == "ended":
            return False
        value = one.expect("returned")
        seen, still = {}, 0.0
        while "ended" not in seen:
            if still > 0.6:
                raise Fail("MD1417", ran=ran, expected="it is killed", kernel="it lives")
            seen |= heard(one, 0.02)
            still = 0.0 if one.proc.load()[0] else still + 0.02
        status = seen["ended"]["status"]
        if status & 0x7F != f.SIGKILL:
            raise Fail("MD1417", ran=ran, expected="raw status 0x9", kernel=f"{status:#x}")
        returned(value, False, ran)
        return True


def test_stop_nobody_else(subject, cell):
    ran = "stop(pidfd, 0.1): its process has ended, and its number is another's"
    with cell("gone", count=3) as one:
        pids = one.expect("cast")["pids"]
        one.answer()
        problem = message = None
        try:
            message = one.expect("returned")
        except Fail as found:
            problem = found
        hurt = [pid for pid in pids if not alive(one, pid)]
        if hurt:
            raise Fail("MD1419", ran=ran, expected="all bystanders live",
                       kernel=f"{len(hurt)} of {len(pids)} were killed")  # fmt: skip
        if problem:
            raise problem
        returned(message, True, ran)
        one.answer()
        if not one.expect("wrong")["came"]:
            raise Fail("MD9018", name="stop", word="pidfd_send_signal",
                       ran="stop(descriptor, 0.1), of a descriptor that is no pidfd",
                       expected="the OSError comes out of it", kernel="it returned")  # fmt: skip


def alive(one, pid):
    """Say whether a process lives, and no signal is on its way that ends it."""
    try:
        pending = [int(one.proc.field(pid, word), 16) for word in ("SigPnd", "ShdPnd")]
        return one.proc.state(pid) not in "ZX" and not any(pending)
    except (Gone, OSError):
        return False


# --- supervise -----------------------------------------------------------------------------


FAILURES = (1, 125, 126, 127, 130, 137, 143, 255)
"""Statuses that mean something to somebody; to a policy they are failures like others."""


def life(policy, runs, stopped_in_wait=0):
    """One story: what each run does, and in which wait a user stops the container (0: in none)."""
    return {"policy": policy, "runs": runs, "stopped in wait": stopped_in_wait,
            "now": random.choice([0.0, 1e9, random.uniform(0, 1e6)])}  # fmt: skip


def story(one):
    """What a right supervise does in a life: the waits, the value, the runs that are left."""
    waits, last, count, runs = [], 0.0, 0, list(one["runs"])
    while True:
        ran, status, stopped = runs.pop(0)
        name, _, most = one["policy"].partition(":")
        again = name in ("always", "unless-stopped") or (
            name == "on-failure" and status != 0 and (not most or count < int(most)))  # fmt: skip
        if stopped or not again:
            break
        last = 0.1 if ran >= 10.0 or not last else min(2 * last, 60.0)
        waits.append(last)
        if len(waits) == one["stopped in wait"]:
            break
        count += 1
    return waits, status, len(runs)


def short():
    return random.choice([0.0, 0.5, 9.5, round(random.uniform(0, 9), 3)])


def status():
    return random.randrange(1, 256)


def judge_lives(cell, lives):
    """Let supervise live them; compare waits first, then what it returned."""
    with cell("supervise", lives=lives) as one:
        seen = one.expect("results")["seen"]
    for each, found in zip(lives, seen, strict=True):
        waits, value, left = story(each)
        runs = ", ".join(f"{seconds:g} s" + (" (stopped)" if ended else "")
                         for seconds, _, ended in each["runs"][:14])  # fmt: skip
        ran = f"supervise(start, {each['policy']!r}, clock); runs of {runs}"
        if each["stopped in wait"]:
            ran += f"; a user stops it in wait {each['stopped in wait']}"
        if found["value"] == "too many" or found["left"] != left:
            more = found["value"] == "too many" or found["left"] < left
            total = len(each["runs"])
            started = f"more than {total}" if found["value"] == "too many" else total - found["left"]
            raise Fail("MD1421", ran=ran, expected=f"{total - left} runs",
                       kernel=f"{started} runs" + (", too many" if more else ""))  # fmt: skip
        if not same_waits(waits, found["waits"]):
            raise Fail("MD1420", ran=ran, expected=shown(waits), kernel=shown(found["waits"]))
        if found["value"] != value or isinstance(found["value"], bool):
            raise Fail("MD1422", ran=ran, value=found["value"], wanted=value)


def same_waits(wanted, seen):
    return len(wanted) == len(seen) and all(
        isinstance(b, int | float) and abs(a - b) < 1e-6
        for a, b in zip(wanted, seen, strict=True))  # fmt: skip


def shown(waits):
    text = ", ".join(f"{wait:g}" if isinstance(wait, int | float) else repr(wait)[:20]
                     for wait in waits[:16])  # fmt: skip
    return f"waits of {text or 'nothing'}" + (", …" if len(waits) > 16 else "")


def exactly_long():
    """Seconds of a second run, after which ten more are ten in floating-point numbers, too."""
    while True:
        seconds = round(random.uniform(0, 9), 2)
        began = 0.0 + 0.5 + 0.1 + seconds + 0.2
        if began + 10.0 - began == 10.0:
            return seconds


def test_supervise_waits(subject, cell):
    many = [[short(), status(), False] for _ in range(random.randrange(12, 16))]
    lives = [life("always", [*many, [1.0, 0, True]])]
    for long in (10.01, 10.01 + random.uniform(0, 500)):  # a good run: the wait is the first again
        runs = [[short(), status(), False] for _ in range(11)]
        runs[random.randrange(3, 8)][0] = long
        lives.append(life("unless-stopped", [*runs, [2.0, 3, True]]))
    runs = [[0.5, 1, False], [exactly_long(), 1, False], [10.0, 1, False], [1.0, 3, True]]
    lives.append({**life("unless-stopped", runs), "now": 0.0})  # HEALTHY, and not a bit more
    slow = [[random.uniform(9.0, 9.9), 1, False] for _ in range(4)]  # together they are no good run
    lives.append(life("on-failure", [*slow, [1.0, 0, False]]))
    judge_lives(cell, lives)


def test_supervise_ends(subject, cell):
    again = lambda count: [[short(), status(), False] for _ in range(count)]  # noqa: E731
    most, wait = random.randrange(2, 6), random.randrange(2, 5)
    lives = [
        life("no", again(3)),
        life("on-failure", [*again(2), [short(), 0, False], *again(2)]),
        life(f"on-failure:{most}", again(most + 4)),
        life(f"on-failure:{most}", [[11.0, status(), False], *again(most + 4)]),
        life("always", [*again(2), [short(), status(), True], *again(3)]),
        life("on-failure", [*again(1), [short(), status(), True], *again(3)]),
        life("always", [[short(), 0, False], [short(), 0, False], [short(), 0, True], *again(2)]),
        life("unless-stopped", again(wait + 4), wait),
        life("always", [[short(), status(), True], *again(2)]),
        life("always", [*again(1010), [short(), status(), True]]),  # no stack is as deep as that
        life("on-failure", [*([short(), code, False] for code in random.sample(FAILURES, 8)),
                            [short(), 0, False], *again(2)]),
    ]
    random.shuffle(lives)
    judge_lives(cell, lives)


# --- join --------------------------------------------------------------------------------------


def test_join(subject, cell):
    kinds = random.sample(["net", "ipc", "uts", "cgroup"], 4)
    for asked in (kinds[:2], kinds[2:]):  # each is asked for once, and once it is not
        joined(cell, asked)


def joined(cell, asked):
    ran = f"join(kernel, PID, {asked})"
    with cell("join", kinds=asked) as one:
        holder = one.expect("cast")["pids"][0]
        theirs = one.proc.namespaces(holder)
        one.answer()
        message = one.expect("joined")
        mine = one.proc.namespaces(one.number(message.sender))
        names = [name for name in f.NAMESPACES if name in one.own]
        wanted = {name: "the pod's" if name in asked else "its own" for name in names}
        seen = {name: "the pod's" if mine.get(name) == theirs.get(name) != one.own[name]
                else "its own" if mine.get(name) == one.own[name] else "another's"
                for name in names}  # fmt: skip
        lines = compared(wanted, seen)
        if not good(lines):
            raise Fail("MD1423", ran=ran, lines=lines)
        one.answer()
        one.expect("waits")
        one.answer()
        found = one.expect("results")
        if found["silent"]:
            raise Fail("MD9018", name="join", word="setns", ran=f"{ran}, while the kernel refuses it",
                       expected="the OSError comes out of it", kernel="it returned")  # fmt: skip
        if not found["came"]:
            raise Fail("MD1424", ran=ran)


# --- log_pump ----------------------------------------------------------------------------------


def words_of(times):
    """Some output: (stream, bytes) in no order, lines cut in the middle, all kinds of bytes."""
    said = []
    for _ in range(times):
        text = secrets.token_bytes(random.randrange(1, 120))
        pieces = (text.replace(b"\n", b"\r"), b"\n", b"\r\n", text, b"a line\n", b"\n\n",
                  "é".encode(), b"\0")  # fmt: skip
        said += [(stream, piece) for stream in ("stdout", "stderr") for piece in pieces]
    random.shuffle(said)
    said.append(("stderr", b"no end"))
    long = ("stdout", bytes([random.randrange(11, 256)]), random.randrange(50_000, 60_000))
    return [*((stream, data, 1) for stream, data in said), long]


def pumped(cell, said, full=()):
    """Let log_pump copy it; return what was said, stream by stream, and what the scene tells."""
    told = [[name, data.hex(), times] for name, data, times in said]
    with cell("pump", said=told, full=list(full)) as one:
        found = one.expect("results")
    whole = {name: b"".join(data * times for stream, data, times in said if stream == name)
             for name in ("stdout", "stderr")}  # fmt: skip
    return whole, found


def different(seen, data):
    """Say where the log leaves what was said."""
    pairs = zip(bytes.fromhex(seen["first"]), data, strict=False)
    same = min(seen["length"], len(data))
    at = next((n for n, (a, b) in enumerate(pairs) if a != b), same)
    return f"{seen['length']} bytes, different from byte {at} on" if at < 20_000 else "other bytes"


PUMP = "log_pump(streams, write)"


def test_log_pump(subject, cell):
    # More on one stream than a pipe holds, before the other one ends: who reads one alone waits.
    flood = ("stderr", secrets.token_bytes(40) + b"\n", 9000)
    after = ("stderr", b"the other stream has ended\n", 3000)
    whole, found = pumped(cell, [*words_of(1), flood, *words_of(3), after])
    for name, data in whole.items():
        seen = found["told"][name]
        if seen["digest"] != hashlib.sha256(data).hexdigest():
            raise Fail("MD1425", ran=PUMP, expected=f"{len(data)} bytes of {name}, as they were said",
                       kernel=different(seen, data))  # fmt: skip
    if found["lines"] > 1 or found["inner"] or found["longest"] > 16384:
        raise Fail("MD1426", ran=PUMP, expected="one line, 16384 bytes",
                   kernel=f"{found['lines']} line ends, {found['longest']} bytes")  # fmt: skip
    if found["lost"] != 0 or isinstance(found["lost"], bool):
        raise Fail("MD1427", ran=PUMP, value=found["lost"], wanted=0)


def test_log_full(subject, cell):
    lines = [b"line %d" % number for number in range(30)]
    said = [("stdout", b"\n".join([*lines, b""]), 1)]  # in one piece
    full = sorted(random.sample(range(1, 30), random.randrange(2, 9)))
    _, found = pumped(cell, said, full)
    if found["lost"] != found["refused"] or isinstance(found["lost"], bool):
        raise Fail("MD1427", ran=f"{PUMP}; the disk is full now and then", value=found["lost"],
                   wanted=found["refused"])  # fmt: skip
    seen = bytes.fromhex(found["told"]["stdout"]["first"]).splitlines()
    wanted = [line for number, line in enumerate(lines, 1) if number not in full]
    if found["count"] != 30 or seen != wanted:
        raise Fail("MD1425", ran=f"{PUMP}; the disk is full now and then",
                   expected=f"{len(wanted)} of 30 lines", kernel=f"{len(seen)} lines")  # fmt: skip
