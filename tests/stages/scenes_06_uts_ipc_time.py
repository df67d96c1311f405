"""Scenes of lesson 06: processes with names, clocks and shared memory, own or not."""

import os
import random
import signal
from collections.abc import Set

from minidocker.grader.scenes_refused import act_refused, named  # noqa: F401  (a scene)
from minidocker.kernel import flags as f

SHM = "/dev/shm"
SECONDS = 500  # what the step "offset" of TIME_ORDER asks for


def forever():
    """Sleep until killed."""
    while True:
        signal.pause()


# --- set_names -------------------------------------------------------------------------


def act_names(learner, kernel, talk, hostname, domainname, before=""):
    """Let set_names do its work, and stay while the check looks."""
    function = learner.set_names
    if before:
        kernel.setdomainname(before)
    talk.ask("ready")
    talk.step(f"set_names(kernel, {hostname!r}, {domainname!r})")
    named(talk, function, kernel, hostname, domainname)


# --- clocks ----------------------------------------------------------------------------


def own_clock(kernel):
    """Take the right to set clocks of time namespaces, in a user namespace: not the machine's."""
    kernel.unshare(f.CLONE_NEWUSER)
    kernel.write("/proc/self/setgroups", "deny")
    kernel.write("/proc/self/uid_map", "0 0 1")
    kernel.write("/proc/self/gid_map", "0 0 1")


def act_time_order(learner, kernel, talk):
    """Do the steps of TIME_ORDER, in that order."""
    order = learner.TIME_ORDER
    steps = ("unshare", "offset", "fork", "clock")
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(steps):
        talk.say("wrong", what=repr(order)[:80])
        return
    own_clock(kernel)
    pid = None
    for step in order:
        talk.doing = step
        try:
            if step == "unshare":
                kernel.unshare(f.CLONE_NEWTIME)
            elif step == "offset":
                kernel.write("/proc/self/timens_offsets", f"boottime {SECONDS} 0\n")
            elif step == "fork":
                pid = kernel.fork()
            elif pid is None:
                talk.ask("refused", step=step, text="Nobody reads the clock.", order=list(order))
                return
            elif pid == 0:
                talk.ask("clock")
        except OSError as problem:
            talk.ask("refused", step=step, text=str(problem), order=list(order))
            return
        if pid and step == "fork":
            forever()  # what follows is the child's, as a runtime would do it


def act_boot(learner, kernel, talk, seconds):
    """Let set_boot_offset prepare the children, then fork one."""
    function = learner.set_boot_offset
    own_clock(kernel)
    talk.step(f"set_boot_offset(kernel, {seconds})")
    try:
        function(kernel, seconds)
    except OSError as problem:
        talk.ask("refused", text=str(problem))
        return
    talk.doing = "fork, after set_boot_offset"
    if os.fork() == 0:
        talk.say("child")
        forever()
    talk.ask("parent")


# --- ipc_namespace ---------------------------------------------------------------------


def cast_ipc(kernel, talk, modes):
    """Start the neighbour: a process in an ipc namespace of its own."""
    pid = os.fork()
    if pid == 0:
        kernel.unshare(f.CLONE_NEWIPC)
        talk.say("neighbour")
        forever()
    return talk.ask("cast", pid=pid)


def act_ipc(learner, kernel, talk, modes, cast):
    """Start one process for each mode, as ipc_namespace says."""
    function = learner.ipc_namespace
    for mode in modes:
        mode = mode.replace("PID", str(cast))
        talk.step(f"ipc_namespace({mode!r})")
        value = function(mode)
        kinds = (int, str)
        if (
            not isinstance(value, tuple | list) or len(value) != 2
            or not all(map(isinstance, value, kinds)) or isinstance(value[0], bool)
        ):  # fmt: skip
            talk.ask("wrong", mode=mode, value=repr(value)[:80])
            return
        talk.step(f"starting a process with {value!r}")
        if os.fork() == 0:
            start(kernel, talk, mode, *value)
        talk.ask("started", mode=mode)


def start(kernel, talk, mode, flags, path):
    """Join, then clone: what a runtime does with the answer."""
    try:
        if path:
            fd = kernel.open(path, os.O_RDONLY)
            kernel.setns(fd, f.CLONE_NEWIPC)
        if kernel.clone(flags) == 0:
            talk.say("member", mode=mode)
    except OSError as problem:
        talk.say("refused", mode=mode, text=str(problem))
    forever()


def act_ipc_refuses(learner, kernel, talk, modes):
    """Ask ipc_namespace for modes that do not exist."""
    function = learner.ipc_namespace
    seen = {}
    for mode in modes:
        talk.step(f"ipc_namespace({mode!r})")
        try:
            seen[mode] = repr(function(mode))
        except ValueError:
            seen[mode] = "ValueError"
    talk.ask("results", seen=seen)


# --- private_shm and shared_memory -------------------------------------------------------


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def hosts_shm(kernel):
    """Mount the /dev/shm that plays the host's, with a secret in it."""
    os.makedirs(SHM, exist_ok=True)
    kernel.mount("outer", SHM, "tmpfs", 0, "size=1m,mode=1777")
    write(f"{SHM}/secret", "of the host")


def cast_shm(kernel, talk, root):
    hosts_shm(kernel)
    os.makedirs(root + SHM)


def act_shm(learner, kernel, talk, root):
    """Let private_shm do its work in a mount namespace of its own."""
    function = learner.private_shm
    kernel.unshare(f.CLONE_NEWNS)
    kernel.mount("", "/", "", f.MS_REC | f.MS_PRIVATE)
    talk.step(f"private_shm(kernel, {root!r})")
    try:
        function(kernel, root)
    except OSError as problem:
        talk.ask("refused", text=str(problem))
        return
    talk.ask("mounted")


def own_shm(kernel, kind="tmpfs"):
    kernel.mount("", "/", "", f.MS_REC | f.MS_PRIVATE)
    if kind == "tmpfs":
        kernel.mount("inner", SHM, "tmpfs", 0, "size=1m,mode=1777")
    else:  # another directory of the same file system
        kernel.mount(kind, SHM, "", f.MS_BIND)


KINDS = {
    "plain": (0, None),
    "own ipc": (f.CLONE_NEWIPC, None),
    "own mounts, same shm": (f.CLONE_NEWNS, lambda k: k.mount("", "/", "", f.MS_REC | f.MS_PRIVATE)),
    "own shm": (f.CLONE_NEWNS, own_shm),
    "a directory of shm": (f.CLONE_NEWNS, lambda k: own_shm(k, f"{SHM}/below")),
    "both": (f.CLONE_NEWIPC | f.CLONE_NEWNS, own_shm),
}  # fmt: skip


def cast_shared(kernel, talk):
    """Start one process of each kind; the check tells which pairs to ask about."""
    hosts_shm(kernel)
    os.mkdir(f"{SHM}/below")
    for name, (flags, prepare) in random.sample(list(KINDS.items()), len(KINDS)):
        if os.fork() == 0:
            if flags:
                kernel.unshare(flags)
            if prepare:
                prepare(kernel)
            talk.say("member", name=name)
            forever()
    return talk.ask("cast")


def act_shared(learner, kernel, talk, cast):
    """Ask shared_memory about each pair."""
    function = learner.shared_memory
    seen = []
    for one, other in cast:
        talk.step(f"shared_memory({one}, {other})")
        value = function(one, other)
        seen.append(sorted(map(str, value)) if isinstance(value, Set) else repr(value)[:60])
    talk.ask("results", seen=seen)
