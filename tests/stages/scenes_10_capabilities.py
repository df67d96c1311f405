"""Scenes of lesson 10: what runs in a cell, next to the learner's functions."""

import os
import shutil
import signal
import socket

from minidocker.grader.scenes_refused import act_refused  # noqa: F401  (a scene)
from minidocker.kernel.flags import CAPABILITIES, MS_BIND, MS_PRIVATE, PR_CAPBSET_DROP

CANARY = "/opt/minidocker-canary"
SECRETS, MIRROR = "/opt/minidocker-secrets", "/opt/minidocker-mirror"


def become_sleep(program="sleep"):
    os.execv(program if "/" in program else shutil.which(program), ["sleep", "600"])


def forever():
    while True:
        signal.pause()


# --- no_new_privileges ------------------------------------------------------------------


def cast_setuid(kernel, talk):
    """A copy of sleep that belongs to root and has the setuid bit."""
    shutil.copy(shutil.which("sleep"), CANARY)
    os.chown(CANARY, 0, 0)
    os.chmod(CANARY, 0o4755)


def act_setuid(learner, kernel, talk):
    """A user runs the setuid program, after no_new_privileges."""
    function = learner.no_new_privileges
    if os.fork() == 0:
        talk.step("no_new_privileges(kernel)")
        function(kernel)
        os.setresgid(1000, 1000, 1000)
        os.setresuid(1000, 1000, 1000)
        talk.ask("ready")
        become_sleep(CANARY)
    forever()


# --- capabilities -----------------------------------------------------------------------


def act_order(learner, kernel, talk):
    """Do the steps of DROP_ORDER, in that order."""
    order = learner.DROP_ORDER
    steps = ("bounding", "user", "capset", "exec")
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(steps):
        talk.say("wrong", what=repr(order)[:80])
        return
    for step in order:
        talk.doing = step
        try:
            if step == "bounding":
                for number in range(len(CAPABILITIES)):
                    kernel.prctl(PR_CAPBSET_DROP, number)
            elif step == "user":
                kernel.setresgid(1000, 1000, 1000)
                kernel.setresuid(1000, 1000, 1000)
            elif step == "capset":
                kernel.capset(0, 0, 0)
            else:
                talk.ask("exec", never=" and ".join(order[list(order).index(step) + 1 :]))
                become_sleep()
        except OSError as problem:
            talk.ask("refused", step=step, text=str(problem), order=list(order))
            return


def act_drop(learner, kernel, talk, keep, now):
    """Drop capabilities, let the check look, then become another program as uid 0."""
    function = learner.drop_capabilities
    _, held, _ = kernel.capget()
    kernel.capset(held, held, held)  # something inheritable, which must go
    talk.ask("begins")
    talk.step(f"drop_capabilities(kernel, {keep & held:#x}, {now & held:#x})")
    function(kernel, keep & held, now & held)
    talk.ask("dropped", held=held)
    become_sleep()


# --- masks ------------------------------------------------------------------------------


def cast_mask(kernel, talk, names):
    """Directories and files of each kind, with something in them; all of it shows at MIRROR too."""
    for name in ("dir-a", "dir-b", "dir-c", "dir a"):
        os.makedirs(f"{SECRETS}/{name}")
        put(f"{SECRETS}/{name}/key")
    for name in ("file-a", "file-b", "file-c", "file a"):
        put(f"{SECRETS}/{name}")
    os.mkdir(f"{SECRETS}/hollow-a")
    os.mkfifo(f"{SECRETS}/pipe-a")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(f"{SECRETS}/socket-a")
    os.close(os.open(f"{SECRETS}/empty-a", os.O_CREAT))  # nothing in it yet
    for name, target in (("dangling", "nowhere"), ("link-a", "file-c"), ("way-a", "dir-c")):
        os.symlink(target, f"{SECRETS}/{name}")
    os.mkdir(MIRROR)
    kernel.mount(SECRETS, MIRROR, "", MS_BIND)
    kernel.mount("", MIRROR, "", MS_PRIVATE)


def put(path):
    """A file with a secret."""
    with open(path, "w") as stream:
        stream.write("secret")


def act_mask(learner, kernel, talk, names):
    """Mask these in a process, and let the check look from another in the same namespace."""
    function = learner.mask_paths
    paths = [f"{SECRETS}/{name}" for name in names]
    if os.fork() == 0:
        os.chdir(f"{SECRETS}/dir-b")
        talk.step(f"mask_paths(kernel, {paths})")
        function(kernel, given := list(paths))
        talk.ask("did", kept=given == paths)
        forever()
    forever()
