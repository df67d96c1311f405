"""Terminal: the caller's own, in raw mode, joined to the container's."""

from __future__ import annotations

import fcntl
import os
import select
import termios
import tty

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
        self.poll: Any = None
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
        if fd == self.master:
            if events & select.POLLOUT:
                self.push()
            if events & (select.POLLIN | select.POLLHUP) and not self.show():
                poll.unregister(self.master)
        elif len(self.waiting) < BLOCK:
            data = os.read(0, BLOCK)
            if not data:
                poll.unregister(0)
                data = b"\x04"  # end of input, as a terminal says it
            self.waiting += data
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

    def show(self) -> bool:
        """Copy one block of output; False when the other side is closed."""
        try:
            data = os.read(self.master, BLOCK)
        except BlockingIOError:
            return True
        except OSError:
            return False  # EIO: the last holder of the slave side has closed it
        while data:
            data = data[os.write(1, data) :]
        return True

    def drain(self) -> None:
        """Copy what the command wrote just before its end."""
        poll = select.poll()
        poll.register(self.master, select.POLLIN)
        while poll.poll(0) and self.show():
            pass

    def stop(self) -> None:
        """Give the caller's terminal its old mode back."""
        if self.saved is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, self.saved)
            self.saved = None
        os.close(self.master)
