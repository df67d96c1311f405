"""Making: `create`, from the bundle to a container whose command waits in the gate."""

from __future__ import annotations

import os as plain_os

from minidocker.errors import KernelError, MinidockerError, UsageError
from minidocker.kernel.named import os
from minidocker.oci import host_mounts
from minidocker.oci.asked import VARIABLE, is_served
from minidocker.oci.bundle import read
from minidocker.oci.config import load
from minidocker.oci.creation import Creation, given
from minidocker.oci.groups import has_any, places
from minidocker.oci.lifetime import undo
from minidocker.oci.mine import furnished, read_before, serving
from minidocker.oci.seccomp_of import with_filter
from minidocker.oci.walls import chosen
from minidocker.runtime.signals import Signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.oci.container import Container
    from minidocker.oci.kinds import Bundle
    from minidocker.oci.their_create import Theirs
    from minidocker.spec.spec import Run

UNKILLABLE = (
    b"minidocker: a container with no cgroup and no pid namespace of its own. Such configuration "
    b"is strongly discouraged: what it starts cannot be found to be killed\n"
)


class Wish:
    """What the command line of `create` says beside the bundle."""

    __slots__ = (
        "config", "console", "keep", "keyring", "no_cgroup", "no_pivot", "pid_file", "pidfd",
        "starts", "waits_here",
    )  # fmt: skip

    def __init__(self, console: str, keep: int, no_pivot: bool, pid_file: str) -> None:
        self.console, self.keep = console, keep
        self.no_pivot, self.pid_file, self.pidfd = no_pivot, pid_file, ""
        self.config = ""  # a file that stands for config.json
        self.no_cgroup = False  # the caller's cgroups do
        self.keyring = True  # a session keyring of the container's own
        self.starts = False  # `run`
        self.waits_here = False  # somebody stays, and can serve a terminal


def create(kernel: Kernel, container: Container, directory: str, wish: Wish) -> Creation:
    """Make a container whose command waits in the gate; on a failure nothing is left."""
    os.chdir(directory)
    bundle = read(os.getcwd(), container.id, wish.config and load(wish.config)[0])
    container.must_be_new()
    bundle.no_pivot = wish.no_pivot
    check(bundle, wish)
    if VARIABLE in plain_os.environ:
        read_before(bundle, container.id)
    kept = pass_listeners(bundle, wish.keep)
    with_filter(bundle, container.directory)
    facts = {} if wish.no_cgroup else places(bundle.cgroup, container.id)
    signals = Signals(kernel)
    stages = furnished(chosen(bundle), bundle)
    run = claim(kernel, container, bundle, facts)
    run.spec.stages = [stage.name for stage in stages]
    birth = Creation(run, stages, kernel, signals, bundle)
    birth.container, birth.console, birth.kept = container, wish.console, kept
    birth.keyring = wish.keyring
    if VARIABLE in plain_os.environ:
        birth.theirs = their_create(container, bundle)
    birth.state = container.state(
        {"bundle": bundle.directory, "made": "", "facts": {}, "root": run.root,
         "annotations": bundle.annotations, "oci": bundle.version}, "creating",
    )  # fmt: skip
    try:
        container.save(run, bundle, "creating", 0)  # what is made next, a kill leaves to `delete`
        pid = birth.make()
        container.save(run, bundle, "creating", pid)
        birth.open_gate()
        birth.until_it_waits()
        container.save(run, bundle, "created", pid)
        if bundle.namespaces.get("pid") != "" and not has_any(run.facts):
            plain_os.write(2, UNKILLABLE)
        if wish.pid_file:
            write_pid(wish.pid_file, pid)
        if wish.pidfd:
            send_pidfd(wish.pidfd, pid, "standard")
    except BaseException:
        birth.end()
        birth.close_pipes()
        try:
            undo(kernel, container, run, stages)
        except MinidockerError as problem:  # not in place of what failed first
            plain_os.write(2, f"minidocker: {problem}\n".encode(errors="replace"))
        raise
    birth.close_pipes()
    container.release()
    return birth


def their_create(container: Container, bundle: Bundle) -> Theirs | None:
    """Return a learner's `create` of MINIDOCKER_MINE, where there is one that can serve.

    Who joins another's processes or mounts counts as those do, and finds no directory of ours.
    """
    joins = bundle.namespaces.get("pid") or bundle.namespaces.get("mnt")
    own = None if joins or bundle.idle else serving(container.id, "create")
    if own is None:
        return None
    from minidocker.oci.their_create import Theirs

    return Theirs(own, container)


def claim(
    kernel: Kernel, container: Container, bundle: Bundle, facts: dict[str, object]
) -> Run:  # fmt: skip
    """Make the container's directory; on a failure, as of a full disk, nothing is left."""
    try:
        run = container.claim(bundle, facts)
    except FileExistsError:
        raise  # it is another's
    except OSError:
        kernel.remove_tree(container.directory)
        raise
    if host_mounts.are_used(bundle):
        host_mounts.go_beside(bundle, run)
    return run


def check(bundle: Bundle, wish: Wish) -> None:
    """Refuse what contradicts itself before anything is made."""
    if bundle.idle and wish.starts:
        raise UsageError("config.json has no process", "process.args, .cwd")
    if not os.path.isdir(bundle.spec.root.path):
        raise UsageError(
            f"config.json: root.path {bundle.spec.root.path} is no directory",
            "unpack an image there",
        )
    if host_mounts.are_used(bundle):
        host_mounts.check(bundle, is_served(bundle))
    if bundle.profile:
        from minidocker.oci import label

        label.check(bundle.profile)
    terminal = bundle.spec.process.terminal
    if terminal and not wish.console and not wish.waits_here:
        raise UsageError(
            "cannot allocate tty if minidocker will detach without setting console socket",
            "--console-socket SOCKET",
        )
    if wish.console and not terminal:
        raise UsageError("--console-socket is for a process with a terminal", "process.terminal")


def pass_listeners(bundle: Bundle, asked: int) -> set[int]:
    """Hand on so many descriptors, and sockets that systemd gave us. sd_listen_fds(3)

    Returns which there are. The sockets are the first from 3 on.
    """
    count = plain_os.environ.get("LISTEN_FDS", "")
    sockets = int(count) if count.isdecimal() else 0
    if sockets:
        bundle.spec.process.env += [f"LISTEN_FDS={count}", "LISTEN_PID=1"]
    return given(asked, sockets)


def write_pid(path: str, pid: int) -> None:
    """Write the pid file: whole or not at all, since somebody waits for it.

    Its directory may be everybody's: by a name that nobody knows before, and through no link.
    """
    new = f"{os.path.dirname(path) or '.'}/.{os.path.basename(path)[:200]}.{os.urandom(8).hex()}"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, str(pid).encode())
        os.rename(new, path)
    except BaseException:
        os.unlink(new)
        raise
    finally:
        os.close(fd)


def send_pidfd(path: str, pid: int, kind: str) -> None:
    """Send a descriptor of the process: unlike its number, it never is another's. pidfd_open(2)

    `kind` goes with it, in runc's words: "standard" for PID 1, "setns" for one that joins.
    """
    import socket

    fd = plain_os.pidfd_open(pid)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
            try:
                end.connect(path)
            except OSError as problem:
                raise KernelError("connect(2)", problem.errno or 0, path) from None
            socket.send_fds(end, [kind.encode()], [fd])
    finally:
        plain_os.close(fd)
