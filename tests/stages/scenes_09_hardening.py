"""Scenes of lesson 09: what runs in a cell, next to the learner's functions."""

import ctypes
import mmap
import os
import shutil
import signal

from minidocker.kernel.flags import CAPABILITIES, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS

CANARY = "/usr/bin/minidocker-canary"
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


def act_setuid(learner, kernel, talk, cast):
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
                talk.ask("exec")
                become_sleep()
        except OSError as problem:
            talk.ask("refused", step=step, text=str(problem))
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


# --- the filter -------------------------------------------------------------------------


def act_filter(learner, kernel, talk, rules):
    """Compile, show the program, install it, and try the calls for real."""
    function = learner.compile_filter
    table = {int(number): errno for number, errno in rules}
    talk.step(f"compile_filter({table})")
    program = function(dict(table))
    if not isinstance(program, bytes):
        talk.say("no bytes", kind=type(program).__name__)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    other = other_door()
    talk.ask("program", code=program.hex())
    kernel.prctl(PR_SET_NO_NEW_PRIVS, 1)
    pid = os.fork()
    if pid == 0:
        try:
            kernel.seccomp(program)
        except OSError as problem:
            talk.ask("refused", text=str(problem))
        seen = {}
        for number in table:
            ctypes.set_errno(0)
            libc.syscall(number, 0, 0, 0, 0, 0, 0)
            seen[str(number)] = ctypes.get_errno()
        talk.ask("tried", seen=seen)
        if other:
            talk.say("door", value=other())
        talk.say("no door")
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    talk.ask("ended", status=status)


def other_door():
    """Return a function that calls getpid by `int 0x80`, the way of 32-bit programs; x86 only."""
    if os.uname().machine != "x86_64":
        return None
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\x53\xb8\x14\x00\x00\x00\xcd\x80\x5b\xc3")  # push rbx; mov eax, 20; int 0x80; …
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)


# --- masks ------------------------------------------------------------------------------


def cast_mask(kernel, talk):
    """Two directories and two files, with something in them."""
    for name in ("a", "b"):
        os.makedirs(f"{SECRETS}/dir-{name}")
        for path in (f"{SECRETS}/dir-{name}/key", f"{SECRETS}/file-{name}"):
            with open(path, "w") as stream:
                stream.write("secret")


def act_mask(learner, kernel, talk, cast):
    """Mask one of each, and a path that is not there."""
    function = learner.mask_paths
    paths = [f"{SECRETS}/dir-a", f"{SECRETS}/nothing", f"{SECRETS}/file-a"]
    talk.step(f"mask_paths(kernel, {paths})")
    function(kernel, paths)
    talk.ask("masked")
