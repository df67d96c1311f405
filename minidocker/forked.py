"""Work that a child does: it may hang, be limited or be killed, and we have its answer or none."""

from __future__ import annotations

import math
import os
import select
import signal
import time
from collections.abc import Callable


def answer_of(work: Callable[[], bytes], seconds: float, most: int = 64 << 20) -> bytes:
    """Return what a function returns in a child; b"" where no whole answer comes in time. fork(2)

    most: the bytes that an answer may have. The child is killed in the end, whatever it does.
    Ctrl-C is held back while the process forks: the functions that Python modules have called
    after a fork (logging's, for one) would swallow it.
    """
    reader, writer = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        pid = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise
    if pid == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(math.ceil(seconds) + 1)  # who has lost its parent ends, too
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(reader)
            data = memoryview(work())
            while data:
                data = data[os.write(writer, data) :]
        finally:
            os._exit(0)
    os.close(writer)
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return _heard(reader, time.monotonic() + seconds, most)
    finally:
        os.close(reader)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _heard(reader: int, until: float, most: int) -> bytes:
    """Read a pipe to its end; b"" when that does not come in time, or too much comes."""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    found = bytearray()
    while len(found) <= most and poll.poll(max(0.0, until - time.monotonic()) * 1000):
        piece = os.read(reader, 1 << 16)
        if not piece:
            return bytes(found)
        found += piece
    return b""
