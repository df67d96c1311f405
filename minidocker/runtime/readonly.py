"""A sealed interpreter: for a process of ours that others see in a container's pid namespace.

With --init, PID 1 is this Python, and /proc/1/exe leads to the host's interpreter: root in
the container could write to it (CVE-2019-5736 was this, in runc). So the whole command starts
again from a copy that nobody can change, and that is mounted nowhere:

    overlay   of the interpreter's directory, lower layers only, as runc does: a mount without a
              writable layer cannot become writable, as a read-only bind could
    memory    a copy, sealed: for ordinary users, and where no overlay can be (14 ms, 7 MB)

Nothing of the host's mounts is held but the file system that the interpreter is on.
"""

from __future__ import annotations

import sys

from minidocker.errors import KernelError, MinidockerError
from minidocker.kernel.named import fcntl, open, os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Container

    from minidocker.kernel.interface import Kernel

ST_RDONLY = 1
F_GET_SEALS = 1034
F_SEAL_WRITE = 8
EXE = "/proc/self/exe"
AGAIN = "MINIDOCKER_SEALED"  # in the environment: we have started again already
LIBRARIES = "LD_LIBRARY_PATH"
# What of the caller's variables a run uses itself. No other one is taken along: PID 1 of `--init`
# is this process, and whoever inside has CAP_SYS_PTRACE may read its memory.
USED = ("HOME", "PATH", "USER", "TERM", "TZ", "TMPDIR", "VIRTUAL_ENV", "DOCKER_CONFIG", "COLUMNS",
        "LINES", "NO_COLOR", LIBRARIES)  # fmt: skip
USED_WITH = ("MINIDOCKER_", "PYTHON", "LC_", "LANG", "XDG_", "SSL_CERT_", "REGISTRY_AUTH_")
USED_AS = "_PROXY"  # HTTPS_PROXY, http_proxy, …
READABLE = 0o555  # the copy starts `minidocker run`, which must not become untraceable for its user


def ensure(kernel: Kernel, named: Container[str] | None = ()) -> None:
    """Return when the interpreter cannot be changed; otherwise start again from one that cannot.

    Of the caller's variables go along those that a run uses, and those `named`; with None all.
    """
    again = os.environ.pop(AGAIN, None)
    if again is not None:
        restore(again)
    env = {
        name: value for name, value in os.environ.items()
        if named is None or name in named or is_used(name)
    }  # fmt: skip
    safe = sealed()
    if safe and (again is not None or len(env) == len(os.environ)):
        return
    if again is not None:
        raise MinidockerError(
            "the interpreter could not be sealed, and others would see it: nothing was started",
            "leave --init and --pid container: out",
        )
    program = EXE if safe else copy(kernel)
    env[AGAIN] = env.get(LIBRARIES, "")
    if directory := own_library():
        # $ORIGIN in a program's RUNPATH means "where /proc/self/exe is", and that is nowhere now
        env[LIBRARIES] = f"{directory}:{env.get(LIBRARIES, '')}".rstrip(":")
    try:
        os.execve(program, [sys.executable, *sys.orig_argv[1:]], env)
    except OSError as problem:
        raise KernelError("execveat(2)", problem.errno or 0, sys.executable) from None


def is_used(name: str) -> bool:
    """Say whether a run uses this variable itself."""
    return name in USED or name.startswith(USED_WITH) or name.upper().endswith(USED_AS)


def restore(libraries: str) -> None:
    """Give the environment back as it was before we started again."""
    if libraries:
        os.environ[LIBRARIES] = libraries
    else:
        os.environ.pop(LIBRARIES, None)


def sealed() -> bool:
    """Say whether nobody can write to this interpreter, whatever rights they have.

    An ordinary user's container has no more rights than its user: what belongs to another is safe.
    """
    found = os.stat(EXE)
    if os.geteuid() and found.st_uid != os.geteuid():
        return True
    fd = os.open(EXE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return bool(fcntl.fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE)
    except OSError:
        pass  # EINVAL: no file in memory
    finally:
        os.close(fd)
    # Of a mount that is nowhere, the kernel tells the path from the mount's own root.
    path = os.readlink(EXE)
    return path.count("/") == 1 and not os.path.exists(path) and read_only(EXE)


def read_only(path: str) -> bool:
    """Say whether the file system, or its mount, is read-only. statvfs(3)"""
    return bool(os.statvfs(path).f_flag & ST_RDONLY)


def copy(kernel: Kernel) -> int:
    """Return a descriptor of the sealed interpreter."""
    path = os.readlink(EXE)
    if not os.geteuid():
        try:
            directory = kernel.sealed_directory(os.path.dirname(path))
            program = os.open(os.path.basename(path), os.O_PATH | os.O_CLOEXEC, dir_fd=directory)
            os.close(directory)
            if same_content(program):
                return program
            os.close(program)
        except OSError:
            pass  # no overlay here, it is two deep already, or the file has been replaced
    with open(EXE, "rb") as stream:
        return kernel.sealed_program(stream.read(), "/tmp", READABLE)


def same_content(program: int) -> bool:
    """Say whether what the overlay shows is the file that we run: an upgrade may have come."""
    ours, theirs = os.stat(EXE), os.stat(program)
    return all(
        getattr(ours, name) == getattr(theirs, name)
        for name in ("st_mode", "st_size", "st_mtime_ns", "st_ctime_ns")
    )


def own_library() -> str:
    """Return the directory of a shared libpython; "" for an interpreter that is one file."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as stream:
        for line in stream:
            if "/libpython" in line:
                return os.path.dirname(line.rstrip("\n").split(maxsplit=5)[5])
    return ""
