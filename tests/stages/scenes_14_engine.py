"""Scenes of lesson 14: what runs in a cell, next to the learner's functions.

The "host" of these scenes is the cell. The container is a process in namespaces and a root of its
own, with the power that the check has drawn. After its pivot, nothing is imported there.
"""

import errno
import hashlib
import os
import shutil
import signal
from types import SimpleNamespace

from minidocker.grader.scenes_refused import Refusing
from minidocker.kernel.flags import (
    CAPABILITIES,
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUTS,
    MNT_DETACH,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    PR_CAPBSET_DROP,
    PR_SET_NO_NEW_PRIVS,
)

BOX = "/tmp/box"
WALLS = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP
STEPS = ("group", "namespaces", "rights", "fork", "exec")
ALLOW_ALL = bytes.fromhex("060000000000ff7f")  # one instruction: return ALLOW; little-endian
TREE = "/sys/fs/cgroup"
CAME_OUT, SILENT = 80, 81
SECONDS = 3


def forever():
    """Sleep until killed."""
    while True:
        signal.pause()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


# --- status_of -----------------------------------------------------------------------------


def cast_told(kernel, talk, proc, processes, records):
    """Make what looks like a procfs: a boot, and processes with (state, name, start)."""
    write(f"{proc}/sys/kernel/random/boot_id", processes.pop("boot") + "\n")
    for pid, (state, name, start) in processes.items():
        rest = " ".join(str(number) for number in range(4, 22))
        write(f"{proc}/{pid}/stat", f"{pid} ({name}) {state} {rest} {start} 23 24\n")


def act_told(learner, kernel, talk, proc, processes, records):
    """Ask status_of about each record."""
    function, given = learner.status_of, [dict(record) for record in records]
    seen = [asked(talk, function, record, proc) for record in given]
    talk.ask("results", seen=seen, kept=given == records)


def asked(talk, function, record, proc):
    """Ask about one record; what it raises is an answer, too."""
    talk.step(f"status_of({record}, {proc!r})")
    try:
        return function(record, proc)
    except (LookupError, TypeError, ValueError, OSError) as problem:
        return f"{type(problem).__name__}: {problem}"[:80]


def cast_real(kernel, talk):
    """Processes that live, wait, or are zombies; the check answers with records about them."""
    pids = {}
    for name in ("sleeps", "is stopped", "a zombie", "another"):
        pids[name] = os.fork()
        if pids[name] == 0:
            if name == "a zombie":
                os._exit(0)
            if name == "is stopped":
                os.kill(os.getpid(), signal.SIGSTOP)
            forever()
    os.waitid(os.P_PID, pids["a zombie"], os.WEXITED | os.WNOWAIT)
    os.waitid(os.P_PID, pids["is stopped"], os.WSTOPPED | os.WNOWAIT)
    return talk.ask("cast", pids=pids)


def act_real(learner, kernel, talk, cast):
    """Ask status_of about each record, with the real procfs."""
    function = learner.status_of
    talk.ask("results", seen=[asked(talk, function, record, "/proc") for record in cast])


# --- exec: a container ------------------------------------------------------------------------


def container(kernel, talk, keep, group, env=None):
    """Start a container as its PID 1 says when it stands; return what exec_in is given."""
    ready, done = os.pipe()
    pid = kernel.clone(WALLS)
    if pid == 0:
        os.close(ready)
        own_root(kernel)
        weak = SimpleNamespace(keep=keep, filter=ALLOW_ALL)
        give_up(kernel, weak)
        os.write(done, b"!")
        os.close(done)
        forever()
    os.close(done)
    if not os.read(ready, 1):
        raise RuntimeError("the container of the scene does not stand")
    os.close(ready)
    return SimpleNamespace(pid=pid, group=group, keep=keep, filter=ALLOW_ALL,
                           env=env or {"PATH": "/usr/bin:/bin"})  # fmt: skip


def give_up(kernel, one):
    """Give up what a container gives up."""
    for number in range(len(CAPABILITIES)):
        if not one.keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.prctl(PR_SET_NO_NEW_PRIVS, 1)
    kernel.capset(one.keep, one.keep, 0)
    kernel.seccomp(one.filter)


def own_root(kernel):
    """Give this process a root of its own: the same programs, on another file system."""
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
    os.makedirs(BOX, exist_ok=True)
    kernel.mount("box", BOX, "tmpfs")
    for name in os.listdir("/"):
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{BOX}/{name}")
        elif name in ("usr", "bin", "sbin", "lib", "lib64", "nix"):
            os.mkdir(f"{BOX}/{name}")
            kernel.mount(f"/{name}", f"{BOX}/{name}", "", MS_BIND | MS_REC)
    os.mkdir(f"{BOX}/proc")
    kernel.mount("proc", f"{BOX}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    kernel.chdir(BOX)
    kernel.pivot_root(".", ".")
    kernel.umount2(".", MNT_DETACH)
    kernel.chdir("/")


def enter_tree(kernel, talk, group):
    """Where there is a real cgroup tree, let the check move this process into it, and see it.

    Elsewhere the group is a directory with a file: who writes into it, and what, is seen there.
    """
    if talk.ask("outside"):
        kernel.unshare(CLONE_NEWCGROUP)
        os.makedirs(TREE, exist_ok=True)
        kernel.mount("none", TREE, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        for name in ("grader", group):
            kernel.mkdir(f"{TREE}/{name}")
        kernel.write(f"{TREE}/grader/cgroup.procs", "0")
        return f"{TREE}/{group}"
    path = f"/tmp/{group}"
    write(f"{path}/cgroup.procs", "")
    return path


class Watched:
    """A kernel that lets the check look when a process has been born, before it goes on."""

    def __init__(self, kernel, talk, born):
        self.kernel, self.talk, self.born = kernel, talk, born

    def __getattr__(self, name):
        found = getattr(self.kernel, name)
        if name not in ("fork", "clone"):
            return found

        def call(*args, **named):
            pid = found(*args, **named)
            if pid == 0:
                self.talk.say("born")
                os.read(self.born, 1)
            return pid

        return call


def cast_exec(kernel, talk, keep, group, argv, env=None):
    path = enter_tree(kernel, talk, group)
    one = container(kernel, talk, keep, path, env)
    if path.startswith(TREE):
        kernel.write(f"{path}/cgroup.procs", str(one.pid))
    talk.ask("container", pid=one.pid)
    return one


def act_exec(learner, kernel, talk, keep, group, argv, cast, env=None):
    """Let a helper call exec_in; it stays, so that its child has a parent."""
    os.environ["HELPER"] = "a word for the helper alone"
    function = learner.exec_in
    argv = [shutil.which(argv[0]), *argv[1:]]
    reader, writer = os.pipe()
    helper = os.fork()
    if helper == 0:
        talk.step(f"exec_in(kernel, container, {argv})")
        value = function(Watched(kernel, talk, reader), cast, list(argv))
        talk.say("returned", value=value, kind=type(value).__name__)
        forever()
    talk.ask("helper", pid=helper, argv=argv)
    os.write(writer, b"!!!!")
    forever()


def act_exec_refused(learner, kernel, talk, words):
    """Call exec_in while the kernel refuses each of these calls in turn."""
    function = learner.exec_in
    write("/tmp/group/cgroup.procs", "")
    one = container(kernel, talk, 1, "/tmp/group")
    silent = []
    for word in words:
        talk.step(f"exec_in(…), while the kernel refuses {word}")
        if refused(kernel, word, lambda refusing: function(refusing, one, ["/bin/true"])):
            silent.append(word)
    talk.ask("results", silent=silent)


def refused(kernel, word, work):
    """Say whether a function returns as if nothing was when the kernel refuses one call."""
    pid = os.fork()
    if pid == 0:
        refusing = Refusing(kernel, word, 1, [])
        try:
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            work(refusing)
            os._exit(SILENT if refusing.silent else CAME_OUT)
        except BaseException:
            os._exit(CAME_OUT)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == SILENT


def cast_order(kernel, talk, keep, group):
    return cast_exec(kernel, talk, keep, group, [])


def act_order(learner, kernel, talk, keep, group, cast):
    """Do the steps of EXEC_ORDER, in that order."""
    order = learner.EXEC_ORDER
    talk.ask("begins")
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(STEPS):
        talk.ask("wrong", what=repr(order)[:80])
        return
    sleep = shutil.which("sleep")
    process = os.pidfd_open(cast.pid)
    if os.fork() != 0:
        forever()
    for step in order:
        talk.doing = step
        try:
            if step == "group":
                kernel.write(f"{cast.group}/cgroup.procs", "0")
            elif step == "namespaces":
                kernel.setns(process, WALLS)
            elif step == "rights":
                give_up(kernel, cast)
            elif step == "fork":
                if kernel.fork() != 0:
                    forever()
                talk.ask("born")
            else:
                left = list(order)[list(order).index(step) + 1 :]
                talk.ask("exec", never=" and ".join(left))
                os.execv(sleep, ["sleep", "600"])
        except OSError as problem:
            talk.ask("refused", step=step, text=str(problem), order=list(order))
            return


# --- stop --------------------------------------------------------------------------------------


def target(talk, kind, ready):
    """Be the process that is stopped; only when it has said so, anybody learns its number."""
    heard = {signal.SIGTERM}
    talk.say("target")
    os.write(ready, str(os.getpid()).encode())
    if kind == "polite":
        signal.sigwait(heard)
        talk.ask("asked")  # it cleans up until the check has answered
        os._exit(7)
    if kind == "quick":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, heard)
        forever()
    signal.sigwait(heard)  # deaf: it has heard, and does not care
    talk.say("asked")
    forever()


def kept(talk, kind):
    """Start a keeper, and a process that is its child, not ours; return a pidfd of that one."""
    reader, writer = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # it may come at once
    if os.fork() == 0:
        pid = os.fork()
        if pid == 0:
            target(talk, kind, writer)
        talk.say("ended", status=os.waitpid(pid, 0)[1])
        forever()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return os.pidfd_open(int(os.read(reader, 32)))


def cast_stop(kernel, talk, kind, grace):
    return kept(talk, kind)


def act_stop(learner, kernel, talk, kind, grace, cast):
    """Let stop end the process."""
    function = learner.stop
    talk.step(f"stop(pidfd, {grace}): {kind}")
    value = function(cast, grace)
    try:
        os.fstat(cast)
        kept = True
    except OSError:
        kept = False
    talk.ask("returned", value=value, kept=kept)


def cast_gone(kernel, talk, count):
    """A pidfd whose process has ended and is reaped; its number belongs to others now."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    gone = os.pidfd_open(pid)
    os.waitpid(pid, 0)
    pids = again(pid, count)
    talk.ask("cast", pids=pids)
    return gone


def again(number, count):
    """Start bystanders; the first one gets this very number, where the kernel lets us choose."""
    pids = []
    for _ in range(count):
        try:
            with open("/proc/sys/kernel/ns_last_pid", "w") as file:
                file.write(str(number - 1))
        except OSError:
            pass  # without it the bystanders are others: whoever signals all still hurts them
        pid = os.fork()
        if pid == 0:
            forever()
        pids.append(pid)
    return pids


def act_gone(learner, kernel, talk, count, cast):
    """Let stop end the process that has ended; a process of its own does it."""
    function = learner.stop
    if os.fork() == 0:
        talk.step("stop(pidfd, 0.1), whose process has ended")
        value = function(cast, 0.1)
        talk.ask("returned", value=value, kept=True)
        talk.step("stop(descriptor, 0.1), of a descriptor that is no pidfd")
        try:
            value = function(os.open("/dev/null", os.O_RDONLY), 0.1)
            talk.ask("wrong", came=False, value=value)
        except OSError:
            talk.ask("wrong", came=True)
        os._exit(0)
    forever()


# --- supervise ---------------------------------------------------------------------------------


class Clock:
    """A clock that stands still until somebody waits, or something runs."""

    def __init__(self, now, stopped):
        self.time, self.stopped, self.waits = now, stopped, []

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.time += seconds
        return len(self.waits) != self.stopped


def act_supervise(learner, kernel, talk, lives):
    """Let supervise run each life: a policy, runs as (seconds, status, stopped), and a clock."""
    function = learner.supervise
    seen = []
    for life in lives:
        talk.step(f"supervise(start, {life['policy']!r}, clock)")
        clock = Clock(life["now"], life["stopped in wait"])
        runs = list(life["runs"])

        def start(runs=runs, clock=clock):
            if not runs:
                raise EOFError  # a life has an end: who wants more has missed it
            seconds, status, stopped = runs.pop(0)
            clock.time += seconds
            return status, stopped

        try:
            value = function(start, life["policy"], clock)
        except EOFError:
            value = "too many"
        seen.append({"waits": clock.waits, "value": value, "left": len(runs)})
    talk.ask("results", seen=seen)


# --- join --------------------------------------------------------------------------------------


def cast_join(kernel, talk, kinds):
    """The holder of a pod, and somebody who is not in it."""
    pids = []
    for _ in range(2):
        ready, done = os.pipe()
        pid = kernel.clone(WALLS & ~CLONE_NEWPID)
        if pid == 0:
            os.write(done, b"!")
            forever()
        os.read(ready, 1)
        os.close(ready)
        os.close(done)
        pids.append(pid)
    talk.ask("cast", pids=pids)
    return pids


def act_join(learner, kernel, talk, kinds, cast):
    """Be an app that joins the pod; then try it with a holder that has ended."""
    function = learner.join
    talk.step(f"join(kernel, {cast[0]}, {kinds})")
    if os.fork() == 0:
        function(kernel, cast[0], list(kinds))
        talk.ask("joined")
        os._exit(0)
    silent = refused(kernel, "setns", lambda refusing: function(refusing, cast[1], list(kinds)))
    talk.step("join(kernel, PID, kinds), whose process has ended")
    os.kill(cast[1], signal.SIGKILL)
    os.waitpid(cast[1], 0)
    gone = talk.ask("waits")
    if gone:
        try:
            function(kernel, cast[1], list(kinds))
            came = False
        except (OSError, LookupError):
            came = True
        talk.ask("results", silent=silent, came=came)


# --- log_pump ----------------------------------------------------------------------------------


def act_pump(learner, kernel, talk, said, full):
    """Let log_pump copy two streams; `said` are (stream, hex, times), `full` which entries fail.

    A stream is closed after the last that is said by it.
    """
    function = learner.log_pump
    pipes = {name: os.pipe() for name in ("stdout", "stderr")}
    if os.fork() == 0:
        for reader, _ in pipes.values():
            os.close(reader)
        last = {name: number for number, (name, *_) in enumerate(said)}
        for number, (name, text, times) in enumerate(said):
            data = memoryview(bytes.fromhex(text) * times)
            while data:
                data = data[os.write(pipes[name][1], data) :]
            if number == last[name]:
                os.close(pipes[name][1])
        os._exit(0)
    for _, writer in pipes.values():
        os.close(writer)
    entries, count = [], 0

    def write(stream, data):
        nonlocal count
        count += 1
        if count in full:
            number = (errno.ENOSPC, errno.EDQUOT, errno.EIO)[count % 3]
            raise OSError(number, os.strerror(number))
        entries.append((stream, bytes(data)))

    talk.step("log_pump(streams, write)")
    lost = function({name: reader for name, (reader, _) in pipes.items()}, write)
    told = {}
    for name in pipes:
        whole = b"".join(data for stream, data in entries if stream == name)
        digest = hashlib.sha256(whole).hexdigest()
        told[name] = {"length": len(whole), "digest": digest, "first": whole[:20_000].hex()}
    longest = max((len(data) for _, data in entries), default=0)
    lines = max((data.count(b"\n") for _, data in entries), default=0)
    inner = any(b"\n" in data[:-1] for _, data in entries)
    talk.ask("results", told=told, longest=longest, lines=lines, inner=inner, lost=lost,
             refused=sum(number <= count for number in full), count=count)  # fmt: skip
