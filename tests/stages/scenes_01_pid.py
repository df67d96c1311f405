"""Scenes of lesson 01: what runs in a cell, next to the learner's functions.

A `cast_NAME` runs before the learner's file is imported; an `act_NAME` after. What they
say is only half of the truth: the check asks the kernel about whoever said it.
"""

import contextlib
import fcntl
import os
import random
import signal
import termios
import time

from minidocker.grader.scenes_ending import end_when_listed, end_when_opened
from minidocker.grader.scenes_refused import act_refused  # noqa: F401  (a scene)
from minidocker.kernel.flags import CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, names


def forever():
    """Sleep until killed."""
    while True:
        signal.pause()


def become_shell(terminal):
    """Become a shell on the terminal, which is then the controlling one."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(terminal, fd)
    os.execve("/bin/sh", ["sh"], {"PS1": "", "PATH": os.environ.get("PATH", "/usr/bin:/bin")})


# --- spawn ---------------------------------------------------------------------------


def act_spawn(learner, kernel, talk, flags, terminal=None):
    """Let spawn start a child that says so and stays, and say what spawn returned."""
    spawn = learner.spawn

    def child():
        talk.say("child")
        if terminal is not None:
            become_shell(terminal)
        forever()

    talk.step(f"spawn(kernel, {names(flags, 'CLONE_')}, child)")
    pid = spawn(kernel, flags, child)
    talk.ask("returned", value=pid, kind=type(pid).__name__)
    talk.say("waited", status=os.waitpid(pid, 0)[1])


def act_order(learner, kernel, talk):
    """Do the steps of SPAWN_ORDER, in that order."""
    order = learner.SPAWN_ORDER
    steps = ("unshare", "fork", "child", "return")
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(steps):
        talk.say("wrong", what=repr(order)[:80])
        return

    def child():
        talk.say("child")
        forever()

    pid = None
    for step in order:
        talk.doing = step
        try:
            if step == "unshare":
                kernel.unshare(CLONE_NEWPID)
            elif step == "fork":
                pid = kernel.fork()
            elif step == "child" and not pid:
                child()
            elif step == "return" and pid != 0:
                break
        except OSError as problem:
            talk.ask("refused", step=step, text=str(problem))
            return
    talk.ask("returned", value=pid, kind=type(pid).__name__)


# --- exit_status and init --------------------------------------------------------------


def act_exit_status(learner, kernel, talk, statuses):
    """Ask exit_status about raw statuses."""
    function = learner.exit_status
    seen = []
    for status in statuses:
        talk.step(f"exit_status({status:#06x})")
        seen.append(function(status))
    talk.ask("results", seen=seen)


def act_init(learner, kernel, talk, job, **args):
    """Let the learner's init be process 1 of a new namespace, over a main process with a job."""
    function = learner.init
    for number in range(args.pop("times", 1)):
        first = kernel.clone(CLONE_NEWPID)
        if first == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            if job == "together":
                held = elder()
            main = os.fork()
            if main == 0:
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                os._exit(JOBS[job](talk, number, **args) or 0)
            if job == "together":
                os.close(held)
            talk.say("init", main=main)
            talk.step("init(kernel, main)")
            value = function(kernel, main)
            talk.ask("returned", value=value, kind=type(value).__name__)
            os._exit(0)
        os.waitpid(first, 0)
        talk.say("over")


def job_orphans(talk, number, count):
    """Leave orphans behind: each child forks one, and ends before it. They end all at once."""
    reader, writer = os.pipe()
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            if os.fork() == 0:
                os.close(writer)
                os.read(reader, 1)  # until nobody has the other side any more
            os._exit(0)
        os.waitpid(pid, 0)
    talk.ask("orphans")
    os.close(writer)
    talk.ask("orphaned")
    return 7


def job_end(talk, number, wanted):
    """End as wanted, and leave an orphan that goes on: init is over with main."""
    if os.fork() == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        forever()
    kind, value = wanted[number].split()
    if kind == "signal":
        signal.signal(int(value), signal.SIG_DFL) if int(value) != signal.SIGKILL else None
        os.kill(os.getpid(), int(value))
        forever()
    return int(value)


def job_listen(talk, number):
    """Tell each signal that arrives."""
    # Blocked and taken by sigwait: with a handler, one that comes just before pause() would wait.
    signals = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    talk.say("main")
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    os.setpgid(0, 0)  # as a shell's job: a signal to main is none to its group
    if os.fork() == 0:
        while True:  # a bystander: no signal is for it
            talk.say("stray", number=signal.sigwait(signals))
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            os.close(writer)
            os.read(reader, 1)  # an orphan, until main lets it end
        os._exit(0)
    os.waitpid(pid, 0)
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            time.sleep(0.01)  # an orphan that ends before the first signal comes
        os._exit(0)
    os.waitpid(pid, 0)
    signal.sigtimedwait({signal.SIGCHLD}, 0)  # of the children that have ended: main's own
    if os.fork() == 0:
        talk.ask("listening")
        os._exit(0)
    os.close(reader)
    while True:
        number = signal.sigwait(signals)
        if number == signal.SIGCHLD and writer >= 0:
            os.close(writer)  # the check has answered, and the process that asked has ended
            writer = -1
            continue
        talk.say("got", number=number)


def elder():
    """Start a child that ends when nobody has the pipe's other side any more; return that side."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(3)
    os.close(reader)
    return writer


def job_together(talk, number):
    """End with 7. An older process ends with 3 then, and a younger orphan with 5."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(5)
        os._exit(0)
    os.waitpid(pid, 0)
    talk.ask("main")
    return 7


def job_sleep(talk, number):
    """Do nothing."""
    talk.say("asleep")
    forever()


JOBS = {"orphans": job_orphans, "end": job_end, "listen": job_listen, "sleep": job_sleep,
        "together": job_together}  # fmt: skip


# --- host_pid_of and check_spawn -------------------------------------------------------


BASE = [100]
"""Near this are the numbers of the processes that host_pid_of is asked about."""


def next_number(number):
    """Let the next process of this pid namespace have about this number: no file can know it."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(number))  # a kernel without checkpoints has no such file


def container(kernel, talk, name, flags=CLONE_NEWPID, inner=None, children=2, reaps=False):
    """Start a container: process 1 has `children` children, then runs inner(). Each one says so."""
    pid = kernel.clone(flags)
    if pid == 0:
        if reaps:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # then no child stays a zombie
        next_number(BASE[0] + 1)  # numbers inside are numbers outside too, of other processes
        for number in range(children):
            if os.fork() == 0:
                if number == 1 and not reaps:
                    kernel.unshare(CLONE_NEWPID)  # it stays where it is; its child does not
                    if os.fork() == 0:
                        forever()
                talk.say("member", name=f"{name}.{number + 2}")
                forever()
        if inner:
            inner()
        talk.say("member", name=f"{name}.1")
        forever()
    return pid


def guest(kernel, talk, name, pid):
    """Start a process that enters the container of `pid`, as exec does: no child of anybody there."""
    if os.fork() == 0:
        kernel.setns(os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY))
        if os.fork() == 0:
            talk.say("member", name=name)
        forever()


def nested(kernel, talk, name, depth):
    """Start containers in one another; the innermost one is called `name`."""
    inner = None if depth == 1 else lambda: nested(kernel, talk, name, depth - 1)
    container(kernel, talk, name if depth == 1 else f"{name}_around{depth}", inner=inner)


def cast_host_pid(kernel, talk, shape):
    """Start the containers of a shape and wait until the check has their numbers."""
    with open("/proc/sys/kernel/pid_max") as file:  # of the machine, or of the cell
        BASE[0] = random.randrange(60, min(25_000, int(file.read()) // 2))
    next_number(BASE[0])
    if shape == "equal":
        guest(kernel, talk, "a.guest", container(kernel, talk, "a", children=3))
        container(kernel, talk, "b", children=3)
    elif shape == "ending":
        container(kernel, talk, "e", children=4, reaps=True)
        listed, opened, question = talk.ask("cast")
        end_when_listed(listed)
        end_when_opened(opened)
        return [question]
    else:
        nested(kernel, talk, "deep", 3)
    return talk.ask("cast")


def act_host_pid(learner, kernel, talk, cast):
    """Ask host_pid_of each question of the check: [init, inner]."""
    function = learner.host_pid_of
    answers = []
    for init, inner in cast:
        talk.step(f"host_pid_of({init}, {inner})")
        try:
            answers.append(function(init, inner))
        except LookupError:
            answers.append("LookupError")
        except OSError as problem:
            answers.append(type(OSError(problem.errno, "")).__name__)
    talk.ask("results", answers=answers)


def late(kernel, talk, name):
    """A wrong spawn: the child unshares itself, which moves only its children."""
    if os.fork() == 0:
        kernel.unshare(CLONE_NEWPID)
        talk.say("member", name=name)
        forever()


def second(kernel, talk, name):
    """A wrong spawn: the namespace's first process was another one."""
    launcher = os.fork()
    if launcher == 0:
        kernel.unshare(CLONE_NEWPID)
        if os.fork() == 0:
            forever()
        if os.fork() == 0:
            talk.say("member", name=name)
        forever()


def other(kernel, talk, name, flags):
    """A wrong spawn: other namespaces, not pid."""
    if os.fork() == 0:
        if flags:
            kernel.unshare(flags)
        talk.say("member", name=name)
        forever()


def launched(kernel, talk, name):
    """A right spawn: unshare, then fork."""
    if os.fork() == 0:
        kernel.unshare(CLONE_NEWPID | CLONE_NEWUTS)
        if os.fork() == 0:
            talk.say("member", name=name)
        forever()


def cast_check_spawn(kernel, talk):
    """Start what right and wrong spawns start."""
    cast = [
        (container, "clone with CLONE_NEWPID", CLONE_NEWPID, None, 0),
        (launched, "unshare, then fork.1"),
        (nested, "three containers deep", 3),
        (other, "fork without unshare", 0),
        (other, "a new mount namespace only", CLONE_NEWNS),
        (late, "the child unshares itself"),
        (second, "the second process of a namespace"),
    ]
    for start, *words in random.sample(cast, len(cast)):  # a higher pid must tell nothing
        start(kernel, talk, *words)
    return talk.ask("cast")


def act_check_spawn(learner, kernel, talk, cast):
    """Ask check_spawn about each child of the cast: name → pid."""
    function = learner.check_spawn
    seen = {}
    for name, pid in cast.items():
        talk.step(f"check_spawn({pid})")
        seen[name] = function(pid)
    talk.ask("results", seen=seen)
