"""Checks of lesson 01: the pid namespace.

Each one lets the learner's function run in a cell, and asks the kernel, from outside the cell,
what is so: NSpid, namespaces, states and processor time of the processes that came of it.
"""

import contextlib
import random
import signal
import time

import pexpect
from looking_at_refusals import errors_come_out

from minidocker.course.outcomes import Fail, compared, good
from minidocker.grader.probe import Gone
from minidocker.kernel import flags as f

SPAWN = "spawn(kernel, {}, child)"


def child_and_pid(cell, ran):
    """Wait for the child and for spawn's return, in either order; say what is wrong with that."""
    seen = {}
    while len(seen) < 2:
        try:
            message = cell.expect("child", "returned")
        except Fail as problem:
            raise half_done(cell, seen, problem, ran) from None
        if message.event in seen:
            raise Fail("MD0109", ran=ran)
        seen[message.event] = message
    if seen["child"].sender == seen["returned"].sender:
        raise Fail("MD0103", ran=ran)
    return seen["child"], seen["returned"]


def half_done(cell, seen, problem, ran):
    """Say what it means that the child or spawn's return never came."""
    if problem.code not in ("MD9005", "MD9006", "MD9007") or not seen:
        return problem
    if "returned" in seen:
        return Fail("MD0104", ran=ran) if problem.code != "MD9005" else problem
    if cell.number(seen["child"].sender) == caller(cell):
        return Fail("MD0103", ran=ran)
    return Fail("MD0105", ran=ran) if problem.code != "MD9005" else problem


def caller(cell):
    """The scene's own process: the first child of the cell's process 1."""
    return min(cell.proc.children(1))


def is_first(cell, pid, ran):
    """The child must have one number more than its caller, and the last of them is 1."""
    numbers, outer = cell.proc.numbers(pid), cell.proc.numbers(caller(cell))
    seen = f"NSpid: {' '.join(map(str, numbers))} (the caller: {' '.join(map(str, outer))})"
    wanted = "one number more than the caller, and the last one is 1"
    if len(numbers) == len(outer):
        raise Fail("MD0101", ran=ran, expected=wanted, kernel=seen)
    if numbers[-1] != 1:
        raise Fail("MD0102", ran=ran, expected=wanted, kernel=seen, number=numbers[-1])


def test_order(subject, cell):
    with cell("order") as one:
        seen = {}
        while len(seen) < 2:
            try:
                message = one.expect("child", "returned", "refused", "wrong")
            except Fail as problem:
                if problem.code not in ("MD9006", "MD9007") or not seen:
                    raise
                code = "MD0104" if "returned" in seen else "MD0103"
                raise Fail(code, ran="the steps of SPAWN_ORDER") from None
            if message.event == "wrong":
                raise Fail("MD0120", what=message["what"])
            if message.event == "refused":
                raise Fail("MD0121", step=message["step"], text=message["text"])
            seen[message.event] = message
        if seen["child"].sender == seen["returned"].sender:
            raise Fail("MD0103", ran="the steps of SPAWN_ORDER")
        is_first(one, one.number(seen["child"].sender), "the steps of SPAWN_ORDER")


def test_spawn_first(subject, cell):
    ran = SPAWN.format("CLONE_NEWPID")
    with cell("spawn", flags=f.CLONE_NEWPID, terminal=True) as one:
        child, _ = child_and_pid(one, ran)
        is_first(one, one.number(child.sender), ran)
        a, b = random.randrange(1000, 9999), random.randrange(1000, 9999)
        shell = one.shell()
        shell.sendline(f"echo answer=$(({a}*{b})):$$:")
        try:
            shell.expect(rf"answer={a * b}:(\d+):")
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise RuntimeError("the shell in the child does not answer") from None
        if shell.match.group(1) != "1":
            raise Fail("MD0122", ran=ran, number=shell.match.group(1))


def test_spawn_result(subject, cell):
    ran = SPAWN.format("CLONE_NEWPID")
    with cell("spawn", flags=f.CLONE_NEWPID) as one:
        child, returned = child_and_pid(one, ran)
        pid = one.number(child.sender)
        if returned["value"] != pid or returned["kind"] != "int":
            numbers = " ".join(map(str, one.proc.numbers(pid)))
            raise Fail("MD0106", ran=ran, value=returned["value"], pid=pid,
                       expected=f"{pid}, an int", kernel=f"NSpid: {numbers}")  # fmt: skip
        parent = int(one.proc.field(pid, "PPid"))
        if parent != caller(one):
            raise Fail("MD0107", ran=ran, parent=parent, expected=f"PPid: {caller(one)}",
                       kernel=f"PPid: {parent}")  # fmt: skip
        one.signal(child.sender, f.SIGKILL)
        one.answer()
        one.expect("waited")


def test_spawn_flags(subject, cell):
    halves = [f.CLONE_NEWNS | f.CLONE_NEWUTS | f.CLONE_NEWNET, f.CLONE_NEWIPC | f.CLONE_NEWCGROUP]
    for half in random.sample(halves, 2):  # each is asked for once, and once it is not
        has_these(cell, f.CLONE_NEWPID | half)
    words = ["unshare", "fork", "clone"]
    errors_come_out(cell, "spawn", [f.CLONE_NEWPID, "child()"], words)


def has_these(cell, flags):
    """The child must have exactly those namespaces new that were asked for."""
    ran = SPAWN.format(f.names(flags, "CLONE_"))
    with cell("spawn", flags=flags) as one:
        child, _ = child_and_pid(one, ran)
        theirs = one.proc.namespaces(one.number(child.sender))
        wanted = {name for name, flag in f.NAMESPACES.items() if flags & flag}
        changed = {name for name in f.NAMESPACES if theirs.get(name) != one.own.get(name)}
        lines = compared(wanted, changed)
        if not good(lines):
            asked, new = " ".join(sorted(wanted)), " ".join(sorted(changed)) or "none"
            raise Fail("MD0108", ran=ran, expected=f"new: {asked}", kernel=f"new: {new}",
                       lines=lines)  # fmt: skip


ENDS = ["exit 0", "exit 7", "exit 255", "signal 9", "signal 15", "signal 1"]


def expected_status(word):
    kind, number = word.split()[:2]
    return int(number.rstrip(",")) + (128 if kind == "signal" else 0)


WITH_A_CORE = (signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV)


def raw_status(word):
    """The raw status of wait(2) for an end: "exit 7", "signal 15", "signal 11, with a core"."""
    kind, number, *core = word.split()
    return int(number.rstrip(",")) << (8 if kind == "exit" else 0) | (0x80 if core else 0)


def test_exit_status(subject, cell):
    cored = random.choice(WITH_A_CORE)
    wanted = [*ENDS, f"exit {random.randrange(20, 120)}", f"exit {random.randrange(130, 250)}",
              f"signal {random.randrange(34, 64)}", "signal 64",
              f"signal {int(cored)}, with a core"]  # fmt: skip
    random.shuffle(wanted)
    with cell("exit_status", statuses=[raw_status(word) for word in wanted]) as one:
        seen = dict(zip(wanted, one.expect("results")["seen"], strict=True))
        lines = compared({word: expected_status(word) for word in wanted}, seen)
        if not good(lines):
            raise Fail("MD0110", ran="exit_status(status)", lines=lines)


def init_failed(one, first, problem, ran):
    """Say what a wait for the main process that ended so means for init."""
    if problem.code in ("MD9006", "MD9007"):
        return Fail("MD0116", ran=ran, kernel=f"process 1 is in state {one.proc.state(first)}")
    return problem


def test_init_reaps(subject, cell):
    ran = "init(kernel, main), with 50 orphans that end while main lives"
    with cell("init", job="orphans", count=50) as one:
        sender = one.expect("init").sender
        first = one.number(sender)
        messages = [one.expect("orphans", "returned")]
        if messages[0].event != "returned":
            end_at_once(one, sender)
            zombies = left_zombies(one, first)
            messages = one.quiet(0.05)
        for message in messages:
            if message.event == "returned":
                raise Fail("MD0114", ran=ran, kernel=f"it returned {message['value']}")
        if zombies:
            raise Fail("MD0111", ran=ran, count=len(zombies), expected="no child in state Z",
                       kernel=f"{len(zombies)} in state Z, whose parent is process 1")  # fmt: skip
        one.answer()
        try:
            value = one.expect("returned")["value"]
        except Fail as problem:
            raise init_failed(one, first, problem, ran) from None
        if value != 7:
            raise Fail("MD0112", ran=ran, expected="7, as main called exit(7)", kernel=repr(value))


def end_at_once(one, sender):
    """Let the orphans end while process 1 is stopped: their 50 signals become one.

    `sender` is its number out here.
    """
    first = one.number(sender)
    one.signal(sender, f.SIGSTOP)
    one.answer()
    one.expect("orphaned")
    end = time.monotonic() + 10
    while sum(state != "Z" for state in one.proc.children(first).values()) > 1:
        if time.monotonic() > end:
            break
        time.sleep(0.01)
    one.signal(sender, f.SIGCONT)


def left_zombies(one, first, seconds=0.8):
    """Wait until process 1 has reaped what ended; return the zombies that stay.

    Time counts only while nobody in the cell wants the processor: a busy machine is not a fault.
    """
    still = 0.0
    while True:
        states = one.proc.children(first)
        zombies = [pid for pid, state in states.items() if state == "Z"]
        if not zombies and len(states) <= 1:
            return []
        if still >= seconds:
            return zombies
        still = 0.0 if one.proc.load()[0] else still + 0.02
        time.sleep(0.02)


def test_init_status(subject, cell):
    ran = "init(kernel, main)"
    seen = {}
    with cell("init", job="end", wanted=ENDS, times=len(ENDS)) as one:
        for word in ENDS:
            first = one.number(one.expect("init").sender)
            try:
                seen[word] = one.expect("returned")["value"]
            except Fail as problem:
                raise init_failed(one, first, problem, ran) from None
            one.answer()
            one.expect("over")
    seen[TOGETHER] = ended_together(cell, ran)
    lines = compared({word: expected_status(word) for word in (*ENDS, TOGETHER)}, seen)
    if not good(lines):
        raise Fail("MD0112", ran=ran, lines=lines)


TOGETHER = "exit 7, and others with it"


def ended_together(cell, ran):
    """Main ends while process 1 is stopped, and so do an older and a younger process."""
    with cell("init", job="together") as one:
        sender = one.expect("init").sender
        first = one.number(sender)
        one.expect("main")
        one.signal(sender, f.SIGSTOP)
        one.answer()
        end = time.monotonic() + 10
        while any(state != "Z" for state in one.proc.children(first).values()):
            if time.monotonic() > end:
                break  # an init that had reaped one before is judged all the same
            time.sleep(0.01)
        one.signal(sender, f.SIGCONT)
        try:
            return one.expect("returned")["value"]
        except Fail as problem:
            raise init_failed(one, first, problem, ran) from None


SIGNALS = {one.name: int(one) for one in signal.Signals if one < signal.SIGRTMIN
           and one not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD)}  # fmt: skip
"""Each of them, and no few of them: another init ignores those of the terminal, say."""


def test_init_signals(subject, cell):
    ran = "init(kernel, main); an orphan ends, then the grader sends signals to process 1"
    # Two of those that are counted: twice is twice. The last of all shows who went deaf before.
    queued, last = random.sample([random.randrange(int(signal.SIGRTMIN), 64), 64], 2)
    names = [*SIGNALS.items(), (f"signal {queued}", queued)]
    random.shuffle(names)
    names.append((f"signal {last}", last))
    with cell("init", job="listen") as one:
        sender = one.expect("init").sender
        main = one.expect("main").sender
        one.expect("listening")
        got = {}
        # SIGCHLD may come when no child has ended: who waits for one then hears nothing more.
        with contextlib.suppress(Gone):  # what became of it is told below
            one.signal(sender, f.SIGCHLD)
            settle(one, 0.2)
            for name, number in names:
                one.signal(sender, number)
                if not wait_for_signal(one, got, name, number):
                    break
        one.answer()  # now an orphan ends: SIGCHLD is for init, and for nobody else
        wait_for_signal(one, got, "SIGCHLD", f.SIGCHLD)
        stays_with_a_stopped(one, main)
        lines = compared({name: "arrived" for name, _ in names}, got)
        if not good(lines):
            raise Fail("MD0113", ran=ran, lines=lines)


def stays_with_a_stopped(one, main):
    """Main stops and goes on: process 1 hears SIGCHLD for that too, and main has not ended."""
    for number in (f.SIGSTOP, f.SIGCONT):
        with contextlib.suppress(Gone):
            one.signal(main, number)
        settle(one, 5.0)  # long only while somebody wants the processor, and does not get it
    for message in one.quiet(0.02):
        if message.event == "returned":
            raise Fail("MD0114", ran="init(kernel, main), after main has stopped",
                       kernel=f"it returned {message['value']}")  # fmt: skip


def wait_for_signal(one, got, name, number):
    """Wait until main tells of the signal, or process 1 has had it and sleeps again."""
    still = 0.0
    while still < 0.5 and name not in got:
        for message in one.quiet(0.02):
            note_signal(one, got, message, name, number)
        still = 0.0 if one.proc.load()[0] else still + 0.02
    return name in got


def note_signal(one, got, message, name, number):
    """Note what one message tells of signals; Fail for what none may tell."""
    if message.event == "returned":
        raise Fail("MD0114", ran=f"init(kernel, main), after {name}",
                   kernel=f"it returned {message['value']}")  # fmt: skip
    if message.event == "stray":
        who = f"{f.name_of(message['number'], 'SIG')} reached another process"
        raise Fail("MD0124", ran="init(kernel, main), with a bystander",
                   expected="signals go to main alone", kernel=who)  # fmt: skip
    if message.event != "got":
        one.unexpected(message)
    elif message["number"] == number and name not in got:
        got[name] = "arrived"
    elif (queued := f"signal {message['number']}") in got:
        got[queued] = "arrived twice"
    elif message["number"] not in (*SIGNALS.values(), f.SIGCHLD, *range(34, 65)):
        got[f.name_of(message["number"], "SIG")] = "arrived"


def test_init_sleeps(subject, cell):
    ran = "init(kernel, main), while nothing happens"
    with cell("init", job="sleep") as one:
        first = one.number(one.expect("init").sender)
        one.expect("asleep")
        settle(one)
        woken = int(one.proc.field(first, "voluntary_ctxt_switches"))
        states = []
        for _ in range(20):
            states.append(one.proc.state(first))
            time.sleep(0.015)
        count = int(one.proc.field(first, "voluntary_ctxt_switches")) - woken
        if count > 2:
            raise Fail("MD0123", ran=ran, count=count, seconds=0.3)
        busy = states.count("R")
        if busy > 2:
            raise Fail("MD0115", ran=ran, expected="state S, sleeping",
                       kernel=f"state R in {busy} of 20 looks")  # fmt: skip


def settle(one, seconds=1.0):
    """Wait until everybody sleeps, for a moment at least; a busy process 1 never does."""
    end = time.monotonic() + seconds
    quiet = 0
    while quiet < 3 and time.monotonic() < end:
        quiet = 0 if one.proc.load()[0] else quiet + 1
        time.sleep(0.015)


def members(one, count):
    """Collect the cast until all are there and it waits: name → the cell's number for it."""
    found, waits = {}, False
    while len(found) < count or not waits:
        message = one.expect("member", "cast")
        if message.event == "cast":
            waits = True
        else:
            found[message["name"]] = one.number(message.sender)
    return found


def ask_host_pid(one, questions):
    """Put the questions to host_pid_of: (init, inner) → the right answer; return both."""
    one.answer([list(question) for question in questions])
    answers = one.expect("results")["answers"]
    return [
        (f"host_pid_of{question}", right, answer)
        for (question, right), answer in zip(questions.items(), answers, strict=True)
    ]


def judge_host_pid(found, code="MD0117"):
    lines = compared({name: right for name, right, _ in found}, {n: a for n, _, a in found})
    if not good(lines):
        raise Fail(code, ran=found[0][0], lines=lines)


def test_host_pid_equal(subject, cell):
    with cell("host_pid", shape="equal") as one:
        cast = members(one, 9)
        questions = {}
        for name, pid in cast.items():
            questions[(cast[f"{name[0]}.1"], one.proc.numbers(pid)[-1])] = pid
        judge_host_pid(ask_host_pid(one, dict(sorted(questions.items(), reverse=True))))


def test_host_pid_nested(subject, cell):
    with cell("host_pid", shape="deep") as one:
        cast = members(one, 9)
        questions = {}
        for name, pid in cast.items():
            around = name.rpartition(".")[0]
            questions[(cast[f"{around}.1"], one.proc.numbers(pid)[-1])] = pid
        # Who is in the container's container has a number here too, and is not in this one.
        outer, deepest = cast["deep_around3.1"], one.proc.numbers(cast["deep.1"])
        questions[(outer, deepest[len(one.proc.numbers(outer)) - 1])] = "LookupError"
        judge_host_pid(ask_host_pid(one, questions))


def test_host_pid_gone(subject, cell):
    with cell("host_pid", shape="equal") as one:
        cast = members(one, 9)
        init = cast["a.1"]
        unused = 1 + max(one.proc.numbers(pid)[-1] for pid in cast.values())
        nobody = 1 + max(one.proc.pids())
        begins = (unused - 1) // 10  # the first digits of a number that is there are another
        theirs = cast["b.3"]  # its number out here is in `a` nobody's, or another process's
        inside = {one.proc.numbers(pid)[-1]: pid for name, pid in cast.items() if name[0] == "a"}
        questions = {(init, unused): "LookupError", (nobody, 1): "LookupError",
                     (init, begins): "LookupError", (init, theirs): inside.get(theirs, "LookupError")}  # fmt: skip
        judge_host_pid(ask_host_pid(one, questions), "MD0118")
    passes_over_the_ended(cell)


def passes_over_the_ended(cell):
    """One process ends when it has been listed, another when its file has been opened."""
    with cell("host_pid", shape="ending") as one:
        cast = members(one, 5)
        right = max(pid for name, pid in cast.items() if name != "e.1")
        listed, opened, *_ = sorted(set(cast.values()) - {cast["e.1"], right})
        question = (cast["e.1"], one.proc.numbers(right)[-1])
        one.answer([listed, opened, question])
        seen = one.expect("results")["answers"]
        judge_host_pid([(f"host_pid_of{question}", right, seen[0])], "MD0125")


RIGHT = {"clone with CLONE_NEWPID.1", "unshare, then fork.1", "three containers deep.1"}


def test_check_spawn(subject, cell):
    with cell("check_spawn") as one:
        cast = members(one, 7 + 8)
        asked = {name: pid for name, pid in cast.items() if name in RIGHT or "." not in name}
        asked["process 1 of your own namespace"] = 1
        seen = one.ask_about(asked)
        mine = one.own["pid"]
        truth = {
            name: one.proc.numbers(pid)[-1] == 1 and one.proc.namespace(pid, "pid") != mine
            for name, pid in asked.items()
        }
        if truth != {name: name in RIGHT for name in asked}:
            raise RuntimeError(f"the cast is not what it should be: {truth}")
        kinds = {name: value for name, value in seen.items() if not isinstance(value, bool)}
        if kinds:
            name, value = next(iter(kinds.items()))
            raise Fail("MD9012", name="check_spawn", value=value, wanted="True or False",
                       ran=f"check_spawn({asked[name]})")  # fmt: skip
        lines = compared(truth, seen)
        if not good(lines):
            raise Fail("MD0119", ran="check_spawn(pid)", lines=lines)
