"""Scenes of lesson 05: processes in cgroups of the check's own tree, and learner code over it.

The check makes a directory in the host's tree, and `enter` makes it this cell's /sys/fs/cgroup: a
cgroup namespace shows its own cgroup as the root. So learner code can reach no other.
"""

import contextlib
import errno
import mmap
import os
import select
import signal
import sys

from minidocker.errors import KernelError
from minidocker.grader.scenes_refused import act_refused  # noqa: F401  (a scene)
from minidocker.grader.scenes_resting import until_at_rest
from minidocker.kernel.flags import CLONE_NEWCGROUP, MS_NODEV, MS_NOEXEC, MS_NOSUID
from minidocker.spec.spec import Resources

ROOT = "/sys/fs/cgroup"
HERE = f"{ROOT}/grader"  # the scene's own place: a cgroup that hands memory down holds nobody
GENERATIONS = 60
MORE = ("cpuset", "io", "hugetlb", "misc")  # controllers that nobody has asked for


def forever():
    """Sleep until killed."""
    while True:
        signal.pause()


def enter(kernel, talk):
    """Let the check move this process into its tree; then see that tree alone."""
    talk.ask("outside")
    kernel.unshare(CLONE_NEWCGROUP)
    os.makedirs(ROOT, exist_ok=True)
    kernel.mount("none", ROOT, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    kernel.mkdir(HERE)
    kernel.write(f"{HERE}/cgroup.procs", "0")


def member(talk, name, then=forever, *args):
    """Fork a process that says its name and then does something; return its pid."""
    pid = os.fork()
    if pid == 0:
        talk.say("member", name=name)
        then(*args)
        os._exit(0)
    return pid


def member_in(kernel, talk, path, name, then=forever, *args):
    """The same in a cgroup: it moves itself before it says anything."""
    pid = os.fork()
    if pid == 0:
        kernel.write(f"{path}/cgroup.procs", "0")
        talk.say("member", name=name)
        then(*args)
        os._exit(0)
    return pid


# --- place and start_inside ------------------------------------------------------------


def cast_place(kernel, talk, name):
    enter(kernel, talk)
    kernel.mkdir(f"{ROOT}/{name}")
    pids = [member(talk, "left alone"), member(talk, "placed")]
    talk.ask("cast")
    return pids[1]


def act_place(learner, kernel, talk, name, cast):
    """Let place move one of two processes."""
    function = learner.place
    talk.step(f"place(kernel, '{ROOT}/{name}', {cast})")
    function(kernel, f"{ROOT}/{name}", cast)
    talk.ask("placed")


def cast_start(kernel, talk, name):
    enter(kernel, talk)
    kernel.mkdir(f"{ROOT}/{name}")


def act_start(learner, kernel, talk, name):
    """Let start_inside run a command whose first act is to have a child.

    No kernel promises who runs first after a fork. Here it is always the child.
    """
    function = learner.start_inside
    caller = os.getpid()
    os.register_at_fork(after_in_parent=lambda: os.getpid() == caller and until_at_rest())

    def command():
        if os.fork() == 0:
            talk.say("born")
            forever()
        talk.say("command")
        forever()

    talk.step(f"start_inside(kernel, '{ROOT}/{name}', command)")
    pid = function(kernel, f"{ROOT}/{name}", command)
    talk.ask("returned", value=pid, kind=type(pid).__name__)


def cast_start_nowhere(kernel, talk, name):
    enter(kernel, talk)


def act_start_nowhere(learner, kernel, talk, name):
    """Let start_inside run a command in a cgroup that is not there: the kernel refuses to move."""
    function, caller = learner.start_inside, os.getpid()
    talk.step(f"start_inside(kernel, '{ROOT}/{name}', command), where there is no such cgroup")
    try:
        pid = function(kernel, f"{ROOT}/{name}", lambda: talk.ask("command"))
    except BaseException as problem:
        if os.getpid() != caller:
            os._exit(1)  # the error ends the child, as it should
        if not isinstance(problem, OSError):
            raise
    else:
        with contextlib.suppress(OSError, TypeError):
            os.waitpid(pid, 0)
    talk.ask("ended")


# --- limits ------------------------------------------------------------------------------


def act_limits(learner, kernel, talk, cases):
    """Ask limits about each case: a dictionary of what was asked for."""
    function = learner.limits
    seen = []
    for case in cases:
        talk.step(f"limits({', '.join(f'{k}={v}' for k, v in case.items()) or 'nothing'})")
        found = function(Resources(**case))
        seen.append(dict(found) if isinstance(found, dict) else repr(found))
    talk.ask("results", seen=seen)


def cast_hold(kernel, talk, asked):
    enter(kernel, talk)


def act_hold(learner, kernel, talk, asked):
    """Let each hog loose in the cgroup that the check made with the learner's limits."""
    function = learner.limits
    talk.step(f"limits({', '.join(f'{k}={v}' for k, v in asked.items())})")
    path = talk.ask("limits", files=function(Resources(**asked)))
    talk.doing = "the hogs"
    status = os.waitpid(member_in(kernel, talk, path, "memory hog", eat_memory, 96), 0)[1]
    talk.ask("memory", killed=os.WIFSIGNALED(status))
    os.waitpid(member_in(kernel, talk, path, "fork bomb", eat_processes, 60), 0)
    talk.ask("pids")
    pid = member_in(kernel, talk, path, "processor hog", eat_processor)
    talk.ask("cpu")
    os.kill(pid, signal.SIGKILL)


def eat_memory(megabytes):
    """Take memory, and touch every page of it."""
    area = mmap.mmap(-1, megabytes << 20)
    for number in range(megabytes):
        area[number << 20 : number + 1 << 20] = b"1" * (1 << 20)


def eat_processes(count):
    """Fork so many processes; where no more is allowed, stop."""
    children = []
    try:
        for _ in range(count):
            pid = os.fork()
            if pid == 0:
                forever()
            children.append(pid)
    except OSError:
        pass
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def eat_processor():
    """Never sleep."""
    while True:
        pass


# --- make_cgroup -------------------------------------------------------------------------


def cast_make(kernel, talk, path, kept):
    enter(kernel, talk)
    if kept:
        kernel.mkdir(f"{ROOT}/{kept}")


class Offers:
    """A kernel that offers more controllers than three, and notes which of the others are asked for."""

    def __init__(self, kernel):
        self.kernel, self.others = kernel, []

    def __getattr__(self, name):
        return getattr(self.kernel, name)

    def read(self, path):
        text = self.kernel.read(path)
        return f"{text.strip()} {' '.join(MORE)}\n" if path.endswith("/cgroup.controllers") else text

    def write(self, path, text):
        mine = text.split() if path.endswith("/cgroup.subtree_control") else []
        self.others += [word for word in mine if word.strip("+") in MORE]
        left = [word for word in mine if word.strip("+") not in MORE]
        if left or not mine:
            self.kernel.write(path, " ".join(left) if len(left) < len(mine) else text)


class Refuses(Offers):
    """A kernel that offers all three controllers, and refuses one word: "write", or "mkdir"."""

    def __init__(self, kernel, word):
        super().__init__(kernel)
        self.word, self.asked = word, False

    def read(self, path):
        text = super().read(path)
        return f"cpu memory pids {text}" if path.endswith("/cgroup.controllers") else text

    def write(self, path, text):
        self.refuse("write", path)

    def mkdir(self, path):
        self.refuse("mkdir", path)
        self.kernel.mkdir(path)

    def refuse(self, word, path):
        if word == self.word:
            self.asked = True
            raise KernelError(f"{word}(2)", errno.EPERM, path)


def says_so(function, kernel, word, path):
    """Say whether an error comes out when the kernel refuses a word, or is never asked for it."""
    refusing = Refuses(kernel.kernel, word)
    try:
        function(refusing, f"{ROOT}/{path}")
    except OSError:
        return True
    return not refusing.asked


def act_make(learner, kernel, talk, path, kept):
    """Let make_cgroup make a cgroup; then again, when all is there; then live in it."""
    function, kernel = learner.make_cgroup, Offers(kernel)
    for again in ("", ", which exists now"):
        talk.step(f"make_cgroup(kernel, '{ROOT}/{path}'){again}")
        function(kernel, f"{ROOT}/{path}")
        talk.ask("made", others=kernel.others)
    if kept:
        talk.ask("refused", silent=[word for word in ("write", "mkdir")
                                    if not says_so(function, kernel, word, f"{path}-{word}")])  # fmt: skip
    pid = member(talk, "inhabitant")
    try:
        kernel.write(f"{ROOT}/{path}/cgroup.procs", str(pid))
        talk.ask("lives", refused="")
    except OSError as problem:
        talk.ask("lives", refused=str(problem))


# --- remove ------------------------------------------------------------------------------


def deaf(then=forever, *args):
    """Be a daemon: a session of its own, deaf to what asks politely."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    then(*args)


def daemon(talk, name):
    """Fork twice, so that the parent is gone; then be deaf."""
    if os.fork():
        os._exit(0)
    talk.say("member", name=name)
    deaf()


def hydra(talk, gate, born):
    """For each byte in the pipe, end and leave a child; the last one stays. `born` counts them."""
    talk.say("member", name="the first of many generations")
    for number in range(GENERATIONS):
        os.read(gate, 1)
        if os.fork():
            os._exit(0)
        born[0] = number + 1
    talk.say("member", name="the last of many generations")
    forever()


def cast_remove(kernel, talk, name, many):
    """Fill a cgroup with all kinds of processes, and one beside it with a neighbour."""
    enter(kernel, talk)
    box, beside = f"{ROOT}/boxes/{name}", f"{ROOT}/boxes/{name}2"
    for path in (f"{ROOT}/boxes", box, f"{box}/inner", f"{box}/empty", f"{box}/empty/deep", beside):
        kernel.mkdir(path)
    member_in(kernel, talk, beside, "neighbour")
    member_in(kernel, talk, box, "ordinary process")
    gate, opener = os.pipe()
    born = mmap.mmap(-1, 4096)  # shared with every child
    if many:
        member_in(kernel, talk, box, "deaf process", deaf)
        member_in(kernel, talk, f"{box}/inner", "process in an inner cgroup")
        if os.fork() == 0:
            kernel.write(f"{box}/cgroup.procs", "0")
            daemon(talk, "daemon")
        if os.fork() == 0:
            kernel.write(f"{box}/cgroup.procs", "0")
            hydra(talk, gate, born)
    talk.ask("cast")
    return opener, born


def watched(talk, opener, born):
    """Let new generations be born before each kill(2); tell the check when rmdir(2) goes on and on.

    Between reading a list of processes and killing them any time may pass. Audit hooks see what
    Python is about to do, however it was asked for. Python documentation: Audit events table
    """
    caller, done = os.getpid(), {"os.rmdir": 0.0, "time.sleep": 0.0}
    grows = [True]

    def generations():
        target, left = min(born[0] + 2, GENERATIONS), 100
        os.write(opener, b"gg")
        while born[0] < target and left:
            select.select([], [], [], 0.005)
            left -= 1
        grows[0] = left > 0  # frozen, or killed

    def hook(event, args):
        if event == "os.kill" and os.getpid() == caller and grows[0]:
            generations()
        elif event in done and os.getpid() == caller:
            done[event] += args[0] if event == "time.sleep" else 0.02
            if max(done.values()) > 2:
                done.update(dict.fromkeys(done, 0.0))
                talk.ask("stuck")

    sys.addaudithook(hook)


class Busy:
    """A kernel whose rmdir says EBUSY four times for each cgroup: now and then it does, here always."""

    def __init__(self, kernel):
        self.kernel, self.asked = kernel, {}

    def __getattr__(self, name):
        return getattr(self.kernel, name)

    def rmdir(self, path):
        if os.path.isdir(path) and not any(entry.is_dir() for entry in os.scandir(path)):
            self.asked[path] = self.asked.get(path, 0) + 1
            if self.asked[path] <= 4:
                raise KernelError("rmdir(2)", errno.EBUSY, path)
        self.kernel.rmdir(path)


def act_remove(learner, kernel, talk, name, cast):
    """Let remove end them all; then ask for the same again."""
    function, kernel = learner.remove, Busy(kernel)
    watched(talk, *cast)
    for again in ("", ", which is gone"):
        talk.step(f"remove(kernel, '{ROOT}/boxes/{name}'){again}")
        function(kernel, f"{ROOT}/boxes/{name}")
        talk.ask("removed")
    kernel.mkdir(f"{ROOT}/shelf")
    kernel.mkdir(f"{ROOT}/shelf/{name}")
    talk.step(f"remove(kernel, '{ROOT}/shelf/{name}'), which is alone in shelf")
    function(kernel, f"{ROOT}/shelf/{name}")
    talk.ask("removed")


# --- why_died ----------------------------------------------------------------------------

EVENTS = ("low 0", "high 0", "max {max}", "oom {oom}", "oom_kill {oom_kill}", "oom_group_kill 0")
"""The lines of memory.events. cgroup-v2.rst: they are known by their names, and new ones come."""


def cast_why(kernel, talk, cases):
    """Make a directory with a memory.events, and a raw status, for each case."""
    found = []
    for number, case in enumerate(cases):
        path = f"/tmp/cgroup{number}"
        os.mkdir(path)
        if case["events"]:
            with open(f"{path}/memory.events", "w") as file:
                lines = EVENTS[::-1] if case["turned"] else EVENTS
                file.write("\n".join([*lines, ""]).format(**case["events"]))
        found.append((path, ended(*case["end"].split()) | (0x80 if case["core"] else 0)))
    return found


def ended(kind, number):
    """Return the raw status of a process that ended so: "exit 7", "signal 15"."""
    pid = os.fork()
    if pid == 0:
        if kind == "exit":
            os._exit(int(number))
        if int(number) != signal.SIGKILL:
            signal.signal(int(number), signal.SIG_DFL)
        os.kill(os.getpid(), int(number))
        forever()
    return os.waitpid(pid, 0)[1]


def act_why(learner, kernel, talk, cast):
    """Ask why_died about each case. What the cases are is not said here any more."""
    function = learner.why_died
    seen = []
    for path, status in cast:
        talk.step(f"why_died('{path}', {status:#06x})")
        seen.append(function(path, status))
    talk.ask("results", seen=seen)


def cast_oom(kernel, talk):
    """Two processes that end by SIGKILL: one sent by a process, one by the kernel."""
    enter(kernel, talk)
    places = talk.ask("places")
    killed = member_in(kernel, talk, places["killed"], "killed")
    os.kill(killed, signal.SIGKILL)
    hog = member_in(kernel, talk, places["hog"], "hog", eat_memory, 96)
    return {"killed": os.waitpid(killed, 0)[1], "hog": os.waitpid(hog, 0)[1], "places": places}


def act_oom(learner, kernel, talk, cast):
    """Ask why_died about both."""
    function = learner.why_died
    seen = {}
    for name in ("killed", "hog"):
        path, status = cast["places"][name], cast[name]
        talk.step(f"why_died('{path}', {status:#06x})")
        seen[name] = function(path, status)
    talk.ask("results", seen=seen, statuses=[cast["killed"], cast["hog"]])
