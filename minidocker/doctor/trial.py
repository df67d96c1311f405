"""Try what the kernel lets us do, each thing in a forked child of a fresh process; tell by JSON.

`minidocker doctor` starts this file as a process of its own (`run`), since a notebook's kernel has
threads, and a process with threads may not enter every namespace. Nothing outlives a trial: each
child mounts in its own private mount namespace, and the one directory made for overlay is removed.

    result: {"pidns": "" , "timens": "unshare(2): EINVAL, Invalid argument", …}   "" is success
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from minidocker.kernel import flags

if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel

SCRATCH = ".minidocker-doctor-"  # the prefix of the one directory that a run may make

NAMESPACE_FLAGS = {
    "pidns": flags.CLONE_NEWPID,
    "mntns": flags.CLONE_NEWNS,
    "utsns": flags.CLONE_NEWUTS,
    "ipcns": flags.CLONE_NEWIPC,
    "netns": flags.CLONE_NEWNET,
    "cgroupns": flags.CLONE_NEWCGROUP,
    "timens": flags.CLONE_NEWTIME,
}

# What the trial "rootless" does in a user namespace, by the ids of the trials without one.
ROOTLESS = ("pidns", "mntns", "utsns", "ipcns", "netns", "cgroupns", "overlay", "pivot_root")


def run(store: str, seconds: float = 30.0) -> dict[str, str]:
    """Run all trials in a fresh process and return their results by id.

    `store` is a directory on the file system that overlay is to be tried on. Where the process
    itself fails, or takes longer than `seconds`, the result is {"*": why}.
    """
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    code = "import sys; sys.path.insert(0, sys.argv[1]); from minidocker.doctor import trial"
    argv = [sys.executable, "-B", "-c", code + "; trial.main(sys.argv[2])", package, store]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=seconds, check=True, env=_plain_env()
        )
        return dict(json.loads(done.stdout))
    except subprocess.TimeoutExpired:
        return {"*": f"the trials took longer than {seconds:.0f} seconds"}
    except subprocess.CalledProcessError as problem:
        last = (problem.stderr.strip().splitlines() or [f"status {problem.returncode}"])[-1]
        return {"*": f"the trials could not run: {last}"}
    except (OSError, ValueError) as problem:
        return {"*": f"the trials could not run: {problem}"}


def main(store: str) -> None:
    """Do every trial and print the results as one JSON object."""
    from minidocker.kernel.linux import Linux

    kernel = Linux()
    results = {}
    for name, trial in trials(kernel, store):
        results[name] = attempt(trial)
    print(json.dumps(results))


def attempt(trial: Callable[[], None]) -> str:
    """Run a trial in a forked child; "" when it returned, else what it raised, in one line."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            trial()
            told = b"+"
        except BaseException as problem:  # the child must end here, whatever happened
            told = b"-" + str(problem).encode("utf-8", "replace")
        os.write(writing, told[:2000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        told = file.read()
    os.waitpid(pid, 0)
    if told == b"+":
        return ""
    return told[1:].decode("utf-8", "replace") or "the child ended without a word"


def trials(kernel: Kernel, store: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield (id, function) for each trial; the functions are to be called in a child."""
    for name, flag in NAMESPACE_FLAGS.items():
        yield name, lambda flag=flag: _namespace(kernel, flag)  # type: ignore[misc]
    yield "userns", lambda: _user_namespace(kernel)
    yield "userns_mount", lambda: _user_namespace(kernel, mount=True)
    yield "pivot_root", lambda: _pivot_root(kernel)
    yield "veth", lambda: _veth(kernel)
    scratch = ""
    try:
        scratch = tempfile.mkdtemp(prefix=SCRATCH, dir=store)
        yield "overlay", lambda: _overlay(kernel, f"{scratch}/root")
        yield "rootless", lambda: _rootless(kernel, f"{scratch}/user")
    except OSError as problem:
        told = f"{store}: {problem.strerror}"
        yield "overlay", lambda: _fail(told)
        yield "rootless", lambda: _fail(told)
    finally:
        if scratch:
            with contextlib.suppress(OSError):  # overlay made it, for nobody to enter
                os.chmod(os.path.join(scratch, "user", "work", "work"), 0o700)
            shutil.rmtree(scratch, ignore_errors=True)


def _namespace(kernel: Kernel, flag: int) -> None:
    kernel.unshare(flag)
    if flag in (flags.CLONE_NEWPID, flags.CLONE_NEWTIME):  # only children enter these two
        pid = kernel.fork()
        if pid == 0:
            kernel.exit(0 if flag != flags.CLONE_NEWPID or kernel.getpid() == 1 else 1)
        if kernel.waitpid(pid)[1]:
            raise OSError("the first child in the namespace is not PID 1")


def _user_namespace(kernel: Kernel, mount: bool = False, others: int = 0) -> None:
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(flags.CLONE_NEWUSER | others)
    kernel.write("/proc/self/setgroups", "deny")
    kernel.write("/proc/self/uid_map", f"0 {uid} 1")
    kernel.write("/proc/self/gid_map", f"0 {gid} 1")
    if mount:  # Ubuntu allows the namespace, and then refuses to let its root do anything
        _private_mounts(kernel)
        kernel.mount("none", "/tmp", "tmpfs", 0, "size=16k")


def _private_mounts(kernel: Kernel) -> None:
    kernel.unshare(flags.CLONE_NEWNS)
    kernel.mount("none", "/", "", flags.MS_REC | flags.MS_PRIVATE)


def _pivot_root(kernel: Kernel) -> None:
    _private_mounts(kernel)
    kernel.mount("none", "/tmp", "tmpfs", 0, "size=64k")
    kernel.mkdir("/tmp/old")
    kernel.chdir("/tmp")
    kernel.pivot_root(".", "old")
    kernel.umount2("/old", flags.MNT_DETACH)


def _veth(kernel: Kernel) -> None:
    program = shutil.which("ip")
    if program is None:
        raise OSError("there is no program ip")
    kernel.unshare(flags.CLONE_NEWNET)
    kernel.run([program, "link", "add", "md0", "type", "veth", "peer", "name", "md1"])


def _rootless(kernel: Kernel, scratch: str) -> None:
    """Do what each run without root does: its namespaces, overlay in them, and a new root."""
    each = (NAMESPACE_FLAGS[name] for name in ROOTLESS if name in NAMESPACE_FLAGS)
    _user_namespace(kernel, others=sum(each))
    _overlay(kernel, scratch, ",userxattr")
    kernel.chdir("merged")
    kernel.pivot_root(".", ".")
    kernel.umount2(".", flags.MNT_DETACH)


def _overlay(kernel: Kernel, scratch: str, options: str = "") -> None:
    _private_mounts(kernel)
    kernel.mkdir(scratch)
    kernel.chdir(scratch)  # relative names: a "," or ":" in the store's path is no matter then
    for name in ("lower", "upper", "work", "merged"):
        kernel.mkdir(name)
    for name in ("kept", "gone"):
        _touch(f"lower/{name}")
    options = "lowerdir=lower,upperdir=upper,workdir=work" + options
    kernel.mount("overlay", "merged", "overlay", 0, options)
    # A file system without whiteouts or xattrs may mount, and fail at the first change.
    os.unlink("merged/gone")
    os.rename("merged/kept", "merged/moved")
    if os.listdir("merged") != ["moved"]:
        raise OSError("a change in the merged directory is not seen there")


def _touch(path: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write("x")


def _fail(told: str) -> None:
    raise OSError(told)


def _plain_env() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONHOME")
    return {name: os.environ[name] for name in kept if name in os.environ}
