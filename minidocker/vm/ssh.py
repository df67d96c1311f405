"""One ssh connection for everything: the first command opens it, the others ride on it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minidocker.errors import MinidockerError


@dataclass(frozen=True)
class Ssh:
    """How to reach a machine. `control` is the socket of the shared connection: a short path,
    for the kernel allows a socket's name 107 bytes and ssh adds 17."""

    host: str
    port: int
    key: Path
    control: Path
    user: str = "root"

    def command(self, *extra: str) -> list[str]:
        """Return the start of an ssh command line; man 5 ssh_config."""
        options = {
            "IdentitiesOnly": "yes", "IdentityFile": str(self.key), "BatchMode": "yes",
            # The machine is new each time, on a port of this host alone: its key tells nothing.
            "StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "LogLevel": "ERROR",
            "ControlMaster": "auto", "ControlPath": str(self.control), "ControlPersist": "yes",
            "ConnectTimeout": "60", "ServerAliveInterval": "30", "ServerAliveCountMax": "10",
        }  # fmt: skip
        argv = ["ssh", "-F", "none", "-p", str(self.port)]
        for name, value in options.items():
            argv += ["-o", f"{name}={value}"]
        return [*argv, *extra, f"{self.user}@{self.host}"]

    def argv(self, words: Sequence[str], tty: bool = False, cwd: str = "/minidocker") -> list[str]:
        """Return a command line that runs `words` there, in `cwd`; -tt gives them a terminal."""
        script = " ".join(shlex.quote(word) for word in words)
        # A login shell reads the profile, and so finds the course's Python.
        inner = f"cd {shlex.quote(cwd)} && exec {script}" if words else f"cd {cwd}; exec bash -l"
        line = f"exec bash -lc {shlex.quote(inner)}"
        return [*self.command(*(["-tt"] if tty else ["-T"])), line]

    def run(
        self, words: Sequence[str], stdin: bytes | str = b"", timeout: float = 600,
        check: bool = True, cwd: str = "/minidocker",
    ) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
        """Run a program there to its end; MinidockerError when it fails and `check` is set."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            self.argv(words, cwd=cwd), input=data, capture_output=True, timeout=timeout
        )
        if check and done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            what = said[-1] if said else f"exit status {done.returncode}"
            raise MinidockerError(f"in the machine, {words[0]} failed: {what}")
        return done

    def shell(self, script: str, timeout: float = 600, check: bool = True) -> str:
        """Run a shell script there without a login shell around it, and return its output."""
        done = subprocess.run(
            [*self.command("-T"), script], stdin=subprocess.DEVNULL, capture_output=True,
            timeout=timeout,
        )  # fmt: skip
        if check and done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise MinidockerError(f"in the machine: {said[-1] if said else done.returncode}")
        return done.stdout.decode(errors="replace")

    def answers(self, script: str = "true", timeout: float = 10.0) -> bool:
        """Say whether a login works now."""
        argv = [*self.command("-T", "-o", f"ConnectTimeout={max(1, int(timeout))}"), script]
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, timeout=timeout,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def close(self) -> None:
        """End the shared connection."""
        if self.control.exists():
            subprocess.run(
                [*self.command("-O", "exit")], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        self.control.unlink(missing_ok=True)
