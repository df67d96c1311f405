"""Scenes of lesson 00: processes behind all kinds of walls, and the learner's look at them."""

import os
import random
import signal
import struct
import time
from collections.abc import Set

from minidocker.grader.scenes_ending import end_when_opened
from minidocker.grader.scenes_refused import act_refused, named  # noqa: F401  (a scene)
from minidocker.kernel import flags as f

PR_SET_SECCOMP = 22
SECCOMP_MODE_STRICT = 1
ALLOW_ALL = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)
CONTAINER = (
    f.CLONE_NEWPID | f.CLONE_NEWNS | f.CLONE_NEWUTS | f.CLONE_NEWIPC | f.CLONE_NEWNET
    | f.CLONE_NEWCGROUP
)  # fmt: skip


def forever():
    """Sleep until killed."""
    while True:
        signal.pause()


def act_hostname(learner, kernel, talk, name):
    """Let set_hostname do its work, and stay while the check looks."""
    function = learner.set_hostname
    talk.step(f"set_hostname(kernel, {name!r})")
    named(talk, function, kernel, name)


def act_self(learner, kernel, talk):
    """Ask namespaces_of about "self", before and after this process has left a namespace."""
    function = learner.namespaces_of
    talk.step('namespaces_of("self")')
    before = function("self")
    kernel.unshare(f.CLONE_NEWUTS)
    talk.step('namespaces_of("self"), for a second time')
    seen = [before, function("self"), function(os.getpid())]
    talk.ask("looked", seen=[one if isinstance(one, dict) else repr(one)[:60] for one in seen])


# --- the cast: each kind is what a process does to itself before it says that it is there ---


def own_root(kernel):
    """Change the root by pivot_root, as a container does: it is called "/" afterwards."""
    root = f"/tmp/root{os.getpid()}.{time.monotonic_ns()}"
    os.mkdir(root)
    kernel.mount("", "/", "", f.MS_REC | f.MS_PRIVATE)
    kernel.mount("tmpfs", root, "tmpfs")
    kernel.chdir(root)
    kernel.pivot_root(".", ".")
    kernel.umount2(".", f.MNT_DETACH)
    kernel.chdir("/")


def jail(kernel):
    """Change the root by chroot: the mount namespace stays, and so does the file system."""
    root, old = f"/srv/jail{os.getpid()}", os.stat("/")
    os.mkdir(root)
    os.utime(root, ns=(old.st_atime_ns, old.st_mtime_ns))  # as old as "/": times tell nothing
    kernel.chroot(root)
    kernel.chdir("/")


def start(kernel, talk, name, flags=0, prepare=None, after=None):
    """Fork a process that unshares, prepares itself, says its name, and stays."""
    pid = kernel.clone(flags & f.CLONE_NEWPID)
    if pid == 0:
        if flags & ~f.CLONE_NEWPID:
            kernel.unshare(flags & ~f.CLONE_NEWPID)
        if prepare:
            prepare(kernel)
        talk.say("member", name=name)
        if after:
            after(kernel)
        forever()
    return pid


def lead_a_child(kernel):
    """Make a pid namespace and one child in it; the process itself stays where it is."""
    kernel.unshare(f.CLONE_NEWPID)
    if os.fork() == 0:
        forever()


def strict(kernel):
    """Enter strict seccomp: only read, write, exit and sigreturn are left."""
    end, _ = os.pipe()
    kernel.prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)
    os.read(end, 1)


def in_time_namespace(kernel, talk, name):
    """A new time namespace is entered by the children of the process that unshares."""
    if os.fork() == 0:
        kernel.unshare(f.CLONE_NEWTIME)
        child = os.fork()
        if (child == 0) == (name == "own time"):
            talk.say("member", name=name)
        forever()


def stop(kernel):
    """Stop, as Ctrl-Z does it: a stopped process has not ended."""
    os.kill(os.getpid(), signal.SIGSTOP)


def look_ended(kernel):
    """Take a name that speaks of zombies. A name is a name."""
    with open("/proc/self/comm", "w") as file:
        file.write("Z (zombie)")


KINDS = {
    "plain": {},
    "chroot only": {"prepare": jail},
    "own mount namespace only": {"flags": f.CLONE_NEWNS},
    "own names": {"flags": f.CLONE_NEWUTS | f.CLONE_NEWIPC},
    "own network": {"flags": f.CLONE_NEWNET},
    "own user namespace": {"flags": f.CLONE_NEWUSER},
    "own cgroup view": {"flags": f.CLONE_NEWCGROUP},
    "own mounts and root": {"flags": f.CLONE_NEWNS, "prepare": own_root},
    "a container": {"flags": CONTAINER, "prepare": own_root},
    "only its child is apart": {"prepare": lead_a_child},
    "stopped": {"after": stop},
    "named like a zombie": {"prepare": look_ended},
    "works elsewhere": {"prepare": lambda kernel: kernel.chdir("/srv")},
    "a filter like yours": {"prepare": lambda kernel: kernel.seccomp(ALLOW_ALL)},
    "seccomp": {"after": strict},
    "seccomp in a container": {"flags": CONTAINER, "prepare": own_root, "after": strict},
}


def raise_cast(kernel, talk, kinds):
    """Start the processes of these kinds; wait until the check knows them all."""
    for kind in random.sample(kinds, len(kinds)):
        if kind in ("own time", "only its children's time"):
            in_time_namespace(kernel, talk, kind)
        elif kind == "zombie":
            pid = os.fork()
            if pid == 0:
                talk.say("member", name=kind)
                os._exit(0)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        elif kind == "ended":
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            talk.say("gone", pid=pid)
        elif kind == "ends while you look":
            end_when_opened(start(kernel, talk, kind))
        else:
            pid = start(kernel, talk, kind, **KINDS[kind])
            wanted = {strict: "Seccomp:\t1", stop: "State:\tT"}.get(KINDS[kind].get("after"), "")
            while wanted not in read(f"/proc/{pid}/status"):
                time.sleep(0.002)
    return talk.ask("cast")


def read(path):
    with open(path) as file:
        return file.read()


def cast_look(kernel, talk, kinds, **_):
    return raise_cast(kernel, talk, kinds)


def act_look(
    learner, kernel, talk, function, cast, user=0, filtered=False, weak=False, moved=False
):
    """Ask a function of the learner's about each process of the cast: name → pid."""
    look = getattr(learner, function)
    if filtered:
        kernel.seccomp(ALLOW_ALL)
    if moved:
        kernel.unshare(f.CLONE_NEWUTS)  # what was true when the file was read is so no more
    if weak:
        kernel.capset(0, 0, 0)
    if user:
        kernel.setresgid(user, user, user)
        kernel.setresuid(user, user, user)
    seen = {}
    for name, pid in cast.items():
        talk.step(f"{function}({pid})")
        try:
            value = look(pid)
        except (LookupError, PermissionError) as problem:
            kinds_of = [k.__name__ for k in type(problem).__mro__]
            value = "LookupError" if "LookupError" in kinds_of else "PermissionError"
        except OSError as problem:
            value = type(OSError(problem.errno, "")).__name__
        if isinstance(value, list):
            value = f"a list: {value!r}"[:80]
        seen[name] = sorted(map(str, value)) if isinstance(value, Set) else value
    talk.ask("results", seen=seen)
