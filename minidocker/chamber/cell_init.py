"""What happens in a cell: process 1 builds it, then a child runs the scene with learner code.

Process 1 is ours and runs no learner code. It cannot be killed from inside, nor traced where root
judges (an ordinary user's grader could not look at it either), and it keeps the cell alive until
the check has looked. A *scene* (tests/stages/scenes_*.py) is a function that plays a check's part
next to the learner's function.
"""

from __future__ import annotations

import json
import linecache
import os
import resource
import signal
import socket
import sys
import traceback
import types
import warnings
from typing import Any, NoReturn

from minidocker.chamber import bare, cell_room, cell_root, nodes, senders
from minidocker.chamber.cell_needs import PROCESSES
from minidocker.kernel import flags as f
from minidocker.kernel.linux import Linux

MEMORY = 1 << 30
FILE_SIZE = 16 << 20
LONGEST = 100_000  # bytes of one message
VAR_KEYWORDS = 0x08  # CO_VARKEYWORDS; inspect itself is a slow import
LINE = 203  # the descriptor of the line to the check: out of the way of a file that counts them
UNWALLED = ("CAP_SYS_TIME", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_BOOT", "CAP_WAKE_ALARM",
            "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_PERFMON", "CAP_BPF",
            "CAP_SYS_RESOURCE")  # fmt: skip
_scenes: dict[str, types.ModuleType] = {}


def load_scenes(path: str) -> types.ModuleType:
    """Load a file of scenes, once; it is out of sight in the cell."""
    if path not in _scenes:
        module = types.ModuleType(os.path.basename(path).removesuffix(".py"))
        with open(path, "rb") as file:
            exec(compile(file.read(), path, "exec"), module.__dict__)
        _scenes[path] = module
        for name in [name for name in sys.modules if name.startswith("minidocker.grader")]:
            del sys.modules[name]  # what the scenes share is out of sight, too
        vars(sys.modules["minidocker"]).pop("grader", None)
    return _scenes[path]


# --- process 1 -----------------------------------------------------------------------


def process_one(
    kernel: Linux,
    scenes: types.ModuleType,
    order: dict[str, Any],
    descriptors: list[int],
    door: socket.socket | None = None,
) -> NoReturn:
    """Build the cell, start the scene when the check says go, stay until the check is done.

    door: the way to the clerk that makes device nodes, see nodes.py.
    """
    talk = socket.socket(fileno=descriptors[0])
    control = socket.socket(fileno=descriptors[1])
    output, source, rest = descriptors[2], descriptors[3], descriptors[4:]
    order["source"] = read_all(source)
    os.close(source)
    if not control.recv(1):  # until our maps are written
        os._exit(0)
    try:
        if order.get("nobody"):
            bare.become_nobody(kernel, order["nobody"])
        else:
            build(kernel, order)
    except OSError as problem:
        control.send(json.dumps({"refused": str(problem), "errno": problem.errno}).encode())
        control.recv(1)
        os._exit(1)
    control.send(b'{"ready": true}')
    if not control.recv(1):
        os._exit(0)  # the check has gone
    terminal = rest[0] if order["terminal"] else None
    if order["closed"]:
        kernel.prctl(f.PR_SET_DUMPABLE, 0)  # nobody in the cell traces us, or takes our line
    learner = kernel.fork()
    if learner == 0:
        kernel.prctl(f.PR_SET_DUMPABLE, 1)
        control.close()
        if door:
            nodes.ask_the_clerk(door)
        perform(kernel, scenes, order, Talk(talk), output, terminal)
    for fd in {talk.fileno(), output, *rest}:
        os.close(fd)
    if door:
        door.close()
    watch(kernel, control, learner)


def build(kernel: Linux, order: dict[str, Any]) -> None:
    """Build the cell around this process: its root, and its limit."""
    kernel.join_session_keyring()  # the caller's keys are no business of a learner's code
    if order["room"]:
        opened = cell_room.open_sources(order)
        cell_room.become_root(kernel)
        cell_room.build(kernel, order, opened)
    else:
        cell_root.build(kernel, order)
    cell_root.limit_processes(kernel, order["limit"])


def watch(kernel: Linux, control: socket.socket, learner: int) -> NoReturn:
    """Reap, and report the scene's end, until the check closes its side."""
    signal.signal(signal.SIGCHLD, lambda *_: None)
    control.settimeout(0.02)
    told = False
    while True:
        try:
            if not control.recv(1):
                os._exit(0)
        except (TimeoutError, InterruptedError):
            pass
        try:
            while (found := kernel.waitpid(-1, f.WNOHANG))[0]:
                if found[0] == learner and not told:
                    told = True
                    control.send(json.dumps({"ended": found[1]}).encode())
        except ChildProcessError:
            pass
        except OSError:
            pass  # ECHILD: nobody is left to wait for


# --- the scene -----------------------------------------------------------------------


class Refused(Exception):
    """The learner's file cannot be used for this question; `event` says why."""

    def __init__(self, event: str, **facts: Any) -> None:
        super().__init__(event)
        self.event = event
        self.facts = facts


class Talk:
    """The scene's end of the line to the check; the kernel signs each message with its sender."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = socket.socket(fileno=os.dup2(channel.fileno(), LINE, inheritable=False))
        channel.close()
        self.doing = ""

    def step(self, text: str) -> None:
        """Note what is done next: a failure names it."""
        self.doing = text
        self.say("step", text=text)

    def say(self, event: str, **facts: Any) -> None:
        """Tell the check."""
        try:
            data = json.dumps({"event": event, **facts}, default=repr).encode()
            if len(data) > LONGEST:
                raise ValueError(f"it is {len(data)} bytes long")
        except Exception as problem:  # whatever the learner's objects do when they are asked
            text = f"{type(problem).__name__}: {str(problem)[:200]}"
            data = json.dumps({"event": "unsaid", "text": text}).encode()
        try:
            self.channel.send(data)
        except OSError:
            os._exit(3)  # the line is closed, by the learner's code or by the check's end

    def ask(self, event: str, **facts: Any) -> Any:
        """Tell the check, wait, and return its answer."""
        self.say(event, **facts)
        try:
            data = self.channel.recv(100_000)
        except OSError:
            data = b""
        if not data:
            os._exit(3)
        return json.loads(data)


class Learner:
    """The learner's names, each looked at before it is used: it must be there, and theirs."""

    def __init__(self, names: dict[str, Any], order: dict[str, Any]) -> None:
        self._names = names
        self._order = order

    def __getattr__(self, name: str) -> Any:
        if name not in self._names:
            raise Refused("missing", name=name)
        value = self._names[name]
        if callable(value) and not self._order["trusted"]:
            sources = written_in(value)
            if self._order["file"] not in sources:
                source = (sources or [getattr(value, "__module__", None) or "?"])[0]
                raise Refused("stranger", name=name, source=os.path.basename(str(source)))
        return value


def written_in(value: Any) -> list[str]:
    """Return the files in which a callable is written: what it wraps, binds or is an object of."""
    found: list[str] = []
    for _ in range(20):
        code = getattr(value, "__code__", None)
        if not isinstance(code, types.CodeType):
            code = getattr(vars(type(value)).get("__call__"), "__code__", None)
        if isinstance(code, types.CodeType):
            found.append(code.co_filename)
        if isinstance(value, type):  # a class is called, too: what makes its objects counts
            made = (vars(value).get(name) for name in ("__new__", "__init__"))
            codes = (getattr(getattr(one, "__func__", one), "__code__", None) for one in made)
            found += [code.co_filename for code in codes if isinstance(code, types.CodeType)]
        inner = (getattr(value, name, None) for name in ("__wrapped__", "func", "__func__"))
        value = next((one for one in inner if callable(one)), None)
        if value is None:
            break
    return found


def perform(
    kernel: Linux,
    scenes: types.ModuleType,
    order: dict[str, Any],
    talk: Talk,
    output: int,
    terminal: int | None,
) -> NoReturn:
    """Load the learner's file and play the scene; whatever happens becomes an event."""
    begun = False
    try:
        terminal = settle(output, terminal)
        act, args = ready(kernel, scenes, order, talk)
        if terminal is not None:
            args["terminal"] = terminal
        if order["signed"]:
            senders.hold(kernel)
        restrain(kernel)
        talk.step(f"importing {order['file']}")
        begun = True
        names = import_text(order["source"], order["file"])
        talk.doing = act.__name__.removeprefix("act_")
        act(Learner(names, order), kernel, talk, **args)
        talk.say("done")
    except Refused as problem:
        talk.say(problem.event, **problem.facts)
    except BaseException as problem:
        event = "raised" if begun else "broken"  # before, no code but ours has run
        talk.say(event, **describe(problem, order["file"]), step=talk.doing)
    finally:
        try:
            sys.stdout.flush()
        finally:
            os._exit(0)


def ready(
    kernel: Linux, scenes: types.ModuleType, order: dict[str, Any], talk: Talk
) -> tuple[Any, dict[str, Any]]:
    """Let the cast take their places; return the act, and of the check's words what it asks for.

    The other words are gone before the learner's file is imported: nobody finds them in a frame.
    """
    scene, args = order.pop("scene"), order.pop("args")
    act, cast = getattr(scenes, f"act_{scene}"), getattr(scenes, f"cast_{scene}", None)
    if cast:
        args["cast"] = cast(kernel, talk, **args)
    talk.doing = scene
    code = act.__code__
    if code.co_flags & VAR_KEYWORDS:
        return act, args
    wanted = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return act, {word: value for word, value in args.items() if word in wanted}


def read_all(fd: int) -> str:
    """Return the text behind a descriptor that nobody else reads."""
    os.lseek(fd, 0, os.SEEK_SET)
    return b"".join(iter(lambda: os.read(fd, 1 << 16), b"")).decode()


def settle(output: int, terminal: int | None) -> int | None:
    """Give the scene plain descriptors: no input, and output into a pipe that the check reads.

    Nothing else stays open but the line to the check and the terminal, whose number is returned.
    """
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if terminal is not None:
        terminal = os.dup2(terminal, LINE + 1, inheritable=False)
    os.closerange(3, LINE)
    os.closerange(LINE + (terminal is not None) + 1, 4096)
    sys.stdout = open(1, "w", buffering=1, closefd=False, errors="replace")
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="replace")
    os.setsid()
    return terminal


def restrain(kernel: Linux) -> None:
    """Make learner code the last to get the processor and the first to lose its memory.

    And take away what no namespace holds back: the clock, modules, ports, the power switch, and
    the right to raise the room's own limits.
    """
    for line in kernel.read("/proc/self/status").splitlines():
        if line.startswith("CapPrm:"):
            keep = int(line.split()[1], 16)
    for name in UNWALLED:
        keep &= ~(1 << f.CAPABILITIES.index(name))
    kernel.keep_capabilities(keep)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    kernel.write("/proc/self/oom_score_adj", "1000")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
    resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def import_text(text: str, file: str) -> dict[str, Any]:
    """Execute a file's text under its name, as an import does; return its names."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    module = types.ModuleType(os.path.basename(file).removesuffix(".py"))
    module.__file__ = file
    with warnings.catch_warnings():
        # A hole that still stands, `...(status)`, makes Python warn, in the checks of other parts.
        warnings.simplefilter("ignore", SyntaxWarning)
        code = compile(text, file, "exec")
    exec(code, module.__dict__)
    return module.__dict__


def describe(problem: BaseException, file: str) -> dict[str, Any]:
    """Say what was raised, with the frames of the learner's own file."""
    frames = [x for x in traceback.extract_tb(problem.__traceback__) if x.filename == file]
    return {
        "kind": type(problem).__name__,
        "text": str(problem)[:2000],
        "trace": "".join(traceback.format_list(frames))[-4000:].rstrip(),
        "own": bool(frames),
    }
