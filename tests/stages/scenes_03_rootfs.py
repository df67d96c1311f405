"""Scenes of lesson 03: what runs in a cell, next to the learner's functions.

The "host" of these scenes is the cell. Its root, /tmp and the new root each hold a file `token`
with a text of its own: whoever reads one tells where he is. After a pivot, nothing is imported.
"""

import fcntl
import os
import random
import resource
import signal

from minidocker.grader.scenes_refused import act_refused  # noqa: F401  (a scene)
from minidocker.kernel.flags import (
    CLONE_NEWNS,
    MNT_DETACH,
    MS_BIND,
    MS_PRIVATE,
    MS_REC,
    S_IFBLK,
    TIOCGPTN,
    TIOCSPTLCK,
)

STEPS = ("bind", "chdir", "pivot", "detach", "home")
DEEP = 40  # more directories up than any path here has


def forever():
    """Sleep until killed."""
    while True:
        signal.pause()


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def grow(kernel, root, tokens):
    """Make a tree with something mounted in it; put the tokens where they belong."""
    os.makedirs(f"{root}/work")
    os.makedirs(f"{root}{root}/work")  # the working directory's name leads somewhere in there, too
    for name in ("dev", "proc", "data"):
        os.mkdir(f"{root}/{name}")
    kernel.mount("data", f"{root}/data", "tmpfs")
    os.mkdir(f"{root}/data/deeper")
    kernel.mount("deeper", f"{root}/data/deeper", "tmpfs")
    for place, text in zip(("/", os.path.dirname(root), root), tokens, strict=True):
        write(f"{place}/token", text)


def apart(kernel):
    """Enter a mount namespace whose mounts are private."""
    kernel.unshare(CLONE_NEWNS)
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)


def told(problem):
    """Say what the kernel refused, and what that usually means."""
    remedy = getattr(problem, "remedy", "")
    return f"{problem}." + (f" It means: {remedy}." if remedy else "")


# --- pivot -------------------------------------------------------------------------------------


def escape(kernel):
    """Climb out of a root directory: with the root moved below us, ".." never meets it."""
    kernel.mkdir("/below")
    kernel.chroot("/below")
    for _ in range(DEEP):
        kernel.chdir("..")
    kernel.chroot(".")


def pivoting(kernel, talk, root, change, order=()):
    """In a process of its own, let `change` put the new root up; then try to climb out."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    apart(kernel)
    os.chdir(f"{root}/work")
    try:
        change()
    except OSError as problem:
        talk.ask("refused", step=talk.doing, text=told(problem), order=list(order))
        os._exit(0)
    talk.step("climbing out by chroot and ..")
    talk.ask("pivoted")
    escape(kernel)
    talk.ask("escaped")
    os._exit(0)


def cast_pivot(kernel, talk, root, tokens):
    grow(kernel, root, tokens)


def act_pivot(learner, kernel, talk, root):
    """Let pivot put up the new root."""
    function = learner.pivot
    talk.step(f"pivot(kernel, {root!r})")
    pivoting(kernel, talk, root, lambda: function(kernel, root))


def cast_order(kernel, talk, root, tokens):
    grow(kernel, root, tokens)


def act_order(learner, kernel, talk, root):
    """Do the steps of PIVOT_ORDER, in that order."""
    order = learner.PIVOT_ORDER
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(STEPS):
        talk.say("wrong", what=repr(order)[:80])
        return
    calls = {
        "bind": lambda: kernel.mount(root, root, "", MS_BIND | MS_REC),
        "chdir": lambda: kernel.chdir(root),
        "pivot": lambda: kernel.pivot_root(".", "."),
        "detach": lambda: kernel.umount2(".", MNT_DETACH),
        "home": lambda: kernel.chdir("/"),
    }

    def change():
        for step in order:
            talk.doing = step
            calls[step]()

    pivoting(kernel, talk, root, change, order)


# --- make_dev ----------------------------------------------------------------------------------


def cast_dev(kernel, talk, root, mask):
    """Make the new root, and give the host a disk: a number that no driver has."""
    os.makedirs(f"{root}/dev")
    os.chmod(os.path.dirname(root), 0o755)
    os.chmod(root, 0o755)
    kernel.mknod("/dev/disk", S_IFBLK | 0o660, (240, 77))


def act_dev(learner, kernel, talk, root, mask):
    """Let make_dev work in a mount namespace of its own, then try the devices as a plain user."""
    function = learner.make_dev
    pid = os.fork()
    if pid == 0:
        apart(kernel)
        os.umask(mask)
        talk.step(f"make_dev(kernel, {root!r}), with umask {mask:03o}")
        function(kernel, root)
        talk.ask("made")
        talk.step("using the devices as user 1000")
        kernel.chroot(root)
        kernel.chdir("/")
        kernel.setgroups([])
        kernel.setresgid(1000, 1000, 1000)
        kernel.setresuid(1000, 1000, 1000)
        talk.ask("results", seen={name: attempt(use) for name, use in USES.items()})
        os._exit(0)
    os.waitpid(pid, 0)


def attempt(use):
    """Return "works", or the error's text."""
    try:
        return use() or "works"
    except OSError as problem:
        return problem.strerror


def use_null():
    with open("/dev/null", "wb", buffering=0) as file:
        file.write(b"gone")


def use_zero():
    with open("/dev/zero", "rb", buffering=0) as file:
        return "" if file.read(8) == bytes(8) else "it gives something else"


def use_full():
    try:
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")
    except OSError as problem:
        return "" if problem.errno == 28 else problem.strerror
    return "it takes everything"


def use_random():
    for name in ("random", "urandom"):
        with open(f"/dev/{name}", "rb", buffering=0) as file:
            file.read(1)


def use_terminal():
    master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(master, TIOCSPTLCK, bytes(4))
    number = int.from_bytes(fcntl.ioctl(master, TIOCGPTN, bytes(4)), "little")
    os.close(os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY))


def use_shm():
    write("/dev/shm/mine", "x")


USES = {"null": use_null, "zero": use_zero, "full": use_full, "random": use_random,
        "a terminal": use_terminal, "a file in shm": use_shm}  # fmt: skip


# --- read_only_root ----------------------------------------------------------------------------


def cast_read_only(kernel, talk, disk):
    """Make a file system, and a root in it that is to become read-only."""
    os.mkdir(disk)
    kernel.mount("disk", disk, "tmpfs")
    os.makedirs(f"{disk}/box/dev")
    os.mkdir(f"{disk}/box/proc")


def act_read_only(learner, kernel, talk, disk):
    """Let read_only_root work behind a pivot of ours, then try to write."""
    function = learner.read_only_root
    pid = os.fork()
    if pid == 0:
        apart(kernel)
        root = f"{disk}/box"
        kernel.mount(root, root, "", MS_BIND)
        kernel.mount("dev", f"{root}/dev", "tmpfs")
        kernel.mount("/proc", f"{root}/proc", "", MS_BIND | MS_REC)
        hold(kernel, root)
        talk.step("read_only_root(kernel)")
        function(kernel)
        talk.step("writing to / and to /dev")
        seen = {place: attempt(lambda p=place: os.mkdir(f"{p}/new")) for place in ("", "/dev")}
        talk.ask("results", root=seen[""], dev=seen["/dev"])
        os._exit(0)
    os.waitpid(pid, 0)


def hold(kernel, root):
    """Pivot to a mount, as it should be."""
    kernel.chdir(root)
    kernel.pivot_root(".", ".")
    kernel.umount2(".", MNT_DETACH)
    kernel.chdir("/")


# --- close_inherited ---------------------------------------------------------------------------


def act_close(learner, kernel, talk, first, numbers):
    """Open something under each number, let close_inherited mark them, and become sleep."""
    function = learner.close_inherited
    pid = os.fork()
    if pid == 0:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        opened = [os.open("/", os.O_RDONLY | os.O_DIRECTORY), os.open("/dev/null", os.O_RDWR),
                  *os.pipe()]  # fmt: skip
        kinds = [fcntl.fcntl(fd, fcntl.F_DUPFD, 4100) for fd in opened]
        for fd in opened:
            os.close(fd)
        for number, fd in zip(numbers, random.sample(kinds, 4) * len(numbers), strict=False):
            os.dup2(fd, number)
            os.set_inheritable(number, True)
        for fd in kinds:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # who is open above it stays open
        talk.ask("begins")  # the check looks up who this is before it can end
        talk.step(f"close_inherited({first})")
        function(first)
        for number in numbers:
            try:
                os.fstat(number)
            except OSError:
                os._exit(77)
        os.execve("/bin/sleep", ["sleep", "1000"], {})
    _, status = os.waitpid(pid, 0)
    talk.ask("ended", code=os.waitstatus_to_exitcode(status))


# --- check_pivot -------------------------------------------------------------------------------


def jail(kernel, talk, name, put_up, base):
    """Start a process behind a root that `put_up` made; it says so, and stays."""
    root = f"{base}/{os.urandom(4).hex()}"
    os.makedirs(f"{root}/work")
    os.mkdir(f"{root}/old")
    if os.fork() == 0:
        apart(kernel)
        os.chdir(f"{root}/work")
        put_up(kernel, root)
        talk.say("member", name=name)
        forever()


def bind(kernel, root):
    kernel.mount(root, root, "", MS_BIND | MS_REC)


def pivot_on_dots(kernel, root):
    bind(kernel, root)
    hold(kernel, root)


def pivot_with_directory(kernel, root):
    bind(kernel, root)
    kernel.pivot_root(root, f"{root}/old")
    kernel.chdir("/")
    kernel.umount2("/old", MNT_DETACH)


def pivot_and_mount(kernel, root):
    """A right one with more than one mount, and a working directory that is not "/"."""
    pivot_on_dots(kernel, root)
    for _ in range(60):  # more mounts than the host has: their number says nothing
        kernel.mount("more", "/old", "tmpfs", 0, "size=4k")
    kernel.chdir("/work")


def one_mount_kept(kernel, root):
    """All of the old root is gone, but for one mount of it."""
    bind(kernel, root)
    kernel.mount("/proc", f"{root}/old", "", MS_BIND)
    hold(kernel, root)


def only_chroot(kernel, root):
    kernel.chroot(root)
    kernel.chdir("/")


def chroot_to_mount(kernel, root):
    bind(kernel, root)
    only_chroot(kernel, root)


def no_chdir(kernel, root):
    bind(kernel, root)
    kernel.pivot_root(root, f"{root}/old")
    kernel.umount2("/old", MNT_DETACH)


def old_root_kept(kernel, root):
    bind(kernel, root)
    kernel.pivot_root(root, f"{root}/old")
    kernel.chdir("/")


def old_root_on_top(kernel, root):
    bind(kernel, root)
    kernel.chdir(root)
    kernel.pivot_root(".", ".")
    kernel.chdir("/")


JAILS = {
    "pivot_root on dots": pivot_on_dots,
    "pivot_root with a directory": pivot_with_directory,
    "pivot_root, then one mount more": pivot_and_mount,
    "chroot only": only_chroot,
    "chroot to a mount": chroot_to_mount,
    "no chdir after pivot_root": no_chdir,
    "old root kept in a directory": old_root_kept,
    "old root not detached": old_root_on_top,
    "one mount of the host's kept": one_mount_kept,
    "its own mount namespace only": lambda kernel, root: None,
}


def cast_check_pivot(kernel, talk, base):
    """Put up every jail."""
    for name, put_up in random.sample(list(JAILS.items()), len(JAILS)):
        jail(kernel, talk, name, put_up, base)
    return talk.ask("cast")


def act_check_pivot(learner, kernel, talk, cast):
    """Ask check_pivot about each process of the cast: name → pid."""
    function = learner.check_pivot
    seen = {}
    for name, pid in cast.items():
        talk.step(f"check_pivot({pid})")
        seen[name] = function(pid)
    talk.ask("results", seen=seen)
