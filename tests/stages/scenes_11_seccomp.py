"""Scenes of lesson 11: what runs in a cell, next to the learner's functions."""

import ctypes
import mmap
import os

from minidocker.kernel.flags import PR_SET_NO_NEW_PRIVS

# --- the filter -------------------------------------------------------------------------


def act_filter(learner, kernel, talk, rules, before):
    """Compile a first time, and for these rules; show the program, install it, try it for real."""
    function = learner.compile_filter
    table = {int(number): errno for number, errno in rules}
    talk.step(f"compile_filter({dict([before])})")
    function(dict([before]))
    talk.step(f"compile_filter({table})")
    program = function(given := dict(table))
    if not isinstance(program, bytes | bytearray):
        talk.say("no bytes", kind=type(program).__name__)
        return
    program = bytes(program)
    libc = ctypes.CDLL(None, use_errno=True)
    other = other_door()
    talk.ask("program", code=program.hex(), kept=given == table)
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
