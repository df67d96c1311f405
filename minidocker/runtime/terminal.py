"""Terminal: the caller's own, in raw mode, joined to the container's."""

from __future__ import annotations

import fcntl
import select
import termios
import tty
from errno import EPIPE

from minidocker.kernel.named import os

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from typing import Any

BLOCK = 65536


class Terminal:
    """Copies bytes both ways between this process's terminal and the master side of a pty."""

    def __init__(self, master: int, interactive: bool) -> None:
        self.master = master
        self.interactive = interactive
        self.saved: list[Any] | None = None
        self.waiting = b""
        self.ended = not interactive  # no more input
        self.poll: Any = None
        self.heard: Any = None  # who logs what is shown
        self.typed: Any = None  # who looks through what is typed, and says what goes on
        self.lost = ""  # why output could not be written, unless its reader went away
        os.set_blocking(master, False)

    def start(self, poll: Any) -> None:
        """Set raw mode, give the container our window size, begin to listen."""
        self.poll = poll
        self.resize()
        poll.register(self.master, select.POLLIN)
        if self.interactive:
            if os.isatty(0):
                self.saved = termios.tcgetattr(0)
                tty.setraw(0, termios.TCSANOW)
            poll.register(0, select.POLLIN)

    def resize(self) -> None:
        """Pass our window size on; the kernel tells the container by SIGWINCH. ioctl_tty(2)"""
        for fd in (0, 1, 2):
            if os.isatty(fd):
                size = fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8))
                fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)
                return

    def serve(self, fd: int, events: int, poll: Any) -> None:
        """Move what is there to move."""
        if fd == 0:
            self.take()
            return
        if events & select.POLLOUT:
            self.push()
        if events & (select.POLLIN | select.POLLHUP) and not self.show():
            self.part()

    def take(self) -> None:
        """Read one block of input; the next when the container has taken this one."""
        try:
            data = os.read(0, BLOCK)
        except OSError:
            data = b""  # EIO: our own terminal is gone
        self.ended = not data
        if data and self.typed:
            data = self.typed(data)
        self.waiting += b"\x04" if self.ended else data  # end of input, as a terminal says it
        self.poll.unregister(0)
        self.push()

    def push(self) -> None:
        """Write what waits; the rest goes when the container reads."""
        try:
            self.waiting = self.waiting[os.write(self.master, self.waiting) :]
        except BlockingIOError:
            pass
        except OSError:
            self.waiting = b""  # nobody holds the other side any more
        self.poll.modify(self.master, select.POLLIN | (select.POLLOUT if self.waiting else 0))
        if not self.waiting and not self.ended:
            self.poll.register(0, select.POLLIN)

    def show(self) -> bool:
        """Copy one block of output; False when there is nobody more to copy from, or to."""
        try:
            data = os.read(self.master, BLOCK)
        except BlockingIOError:
            return True
        except OSError:
            return False  # EIO: the last holder of the slave side has closed it
        if self.heard:
            self.heard(data)
        while data:
            try:
                data = data[os.write(1, data) :]
            except BlockingIOError:
                select.select([], [1], [])
            except OSError as problem:  # nobody reads our output; hang up, as a closed window does
                if problem.errno != EPIPE:
                    self.lost = f"write(2): {problem.strerror}"
                self.part()
                os.close(self.master)
                self.master = -1
                return True
        return True

    def part(self) -> None:
        """Stop copying, and give the caller's terminal back, so that its Ctrl-C reaches us."""
        self.restore()
        for fd in (0, self.master):
            try:
                self.poll.unregister(fd)
            except KeyError:
                pass  # input that ended, or that waits

    def drain(self) -> None:
        """Copy what the command wrote just before its end."""
        poll = select.poll()
        if self.master >= 0:
            poll.register(self.master, select.POLLIN)
        while self.master >= 0 and poll.poll(0) and self.show():
            pass

    def restore(self) -> None:
        """Give the caller's terminal its old mode back."""
        if self.saved is not None:
            try:
                termios.tcsetattr(0, termios.TCSADRAIN, self.saved)
            except termios.error:
                pass  # it is gone
            self.saved = None

    def stop(self) -> None:
        """End it all; harmless when done twice."""
        self.restore()
        if self.master >= 0:
            os.close(self.master)
            self.master = -1
