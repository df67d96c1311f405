"""Scenes of lesson 10: what runs in a cell, next to the learner's functions."""

import os
import shutil
import signal

from minidocker.grader.scenes_refused import act_refused  # noqa: F401  (a scene)
from minidocker.kernel.flags import CAPABILITIES, PR_CAPBSET_DROP

CANARY = "/opt/minidocker-canary"
SECRETS = "/opt/minidocker-secrets"


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
    talk.step(f"drop_capabilities(kernel, {keep & held:#x}, {now & held:#x})")
    function(kernel, keep & held, now & held)
    talk.ask("dropped", held=held)
    become_sleep()


# --- masks ------------------------------------------------------------------------------


def cast_mask(kernel, talk):
    """Two directories and two files, with something in them."""
    for name in ("a", "b"):
        os.makedirs(f"{SECRETS}/dir-{name}")
        for path in (f"{SECRETS}/dir-{name}/key", f"{SECRETS}/file-{name}"):
            with open(path, "w") as stream:
                stream.write("secret")
    os.mkfifo(f"{SECRETS}/pipe-a")
    os.close(os.open(f"{SECRETS}/empty-a", os.O_CREAT))  # nothing in it yet
    os.symlink("nowhere", f"{SECRETS}/dangling")
    os.symlink("file-c", f"{SECRETS}/link-a")
    with open(f"{SECRETS}/file-c", "w") as stream:
        stream.write("secret")


def act_mask(learner, kernel, talk):
    """Mask one of each, and a path that is not there."""
    function = learner.mask_paths
    names = ("dir-a", "nothing", "file-a", "pipe-a", "dangling", "link-a", "empty-a")
    paths = [f"{SECRETS}/{name}" for name in names]
    talk.step(f"mask_paths(kernel, {paths})")
    function(kernel, paths)
    talk.ask("masked")
