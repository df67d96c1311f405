"""JupyterLab as a learner meets it: on lesson 00's desk, on 127.0.0.1, with a secret address.

The lab machine's service runs this file (guest/course), with the same settings.
`make learn` starts it before anything is known of this machine's Python but that it is one: hence
the standard library alone, nothing of minidocker but `places`, and no syntax newer than 3.8.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from minidocker.places import HOST_GROUP, LAB_MARKER, MACHINE_KERNEL

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(ROOT, ".venv")
FIRST = "/lab/workspaces/lesson-00"  # its desk: see minidocker/lab/desk.py

# Our defaults; the user's own settings win. Each lesson has a desk, nothing pops up over the
# notebook or asks the internet, the kernel starts without a question, a line that is wider than the
# window is folded, not cut, and a notebook of the course is saved without its outputs.
CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "config")


def free_port(first: int = 8888) -> int:
    """Return the first port from `first` on that nobody listens on, on 127.0.0.1."""
    for port in range(first, first + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError(f"no free port from {first} to {first + 49}", "stop an older JupyterLab")


def has_screen() -> bool:
    """Say whether a browser could open here."""
    if os.environ.get("CI") or os.environ.get("SSH_CONNECTION"):
        return False
    if platform.system() == "Darwin":
        return True
    return (
        bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and os.geteuid() != 0
    )


def lab() -> int:
    """Start JupyterLab on notebook 00 and stay with it until it ends."""
    with running_lab() as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            print("\nJupyterLab is stopping.")
            return 0


@contextlib.contextmanager
def running_lab() -> Iterator[subprocess.Popen[bytes]]:
    """Start JupyterLab and print its address; at the end it stops, and its kernels with it."""
    # Its sockets lie in a directory with a short name: a socket's path has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="minidocker-") as runtime:
        port, token = free_port(), os.urandom(24).hex()
        argv, env = lab_command(port, token, runtime)
        divide_cgroup()
        if wants_room(runtime):
            env["JUPYTER_PATH"] = room_kernel(runtime)
        process = subprocess.Popen(
            argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            announce(process, port, token)
            yield process
        finally:
            end_lab(process)


def lab_command(
    port: int, token: str, runtime: str, outside: str = ""
) -> tuple[list[str], dict[str, str]]:
    """Return the command line that starts JupyterLab, and its environment.

    outside: in the lab machine the address by which the host reaches it. Its kernels are root's
    there, whose sockets in a file an ordinary user could not open: hence TCP.
    """
    venv = sys.prefix if outside else VENV
    folder = os.path.join(venv, "bin")
    shell = os.environ.get("SHELL") or "/bin/bash"
    argv = [
        os.path.join(folder, "jupyter"),
        "lab",
        f"--ip={'0.0.0.0' if outside else '127.0.0.1'}",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--allow-root",
        # Elsewhere not over TCP, where every user of the machine could listen to the kernels.
        f"--KernelManager.transport={'tcp' if outside else 'ipc'}",
        # Said, because otherwise the terminals are login shells, which forget our PATH.
        f"--ServerApp.terminado_settings=shell_command={[shell]!r}",
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url={FIRST}",
        # Its warnings are for its developers; what matters to a learner shows in the browser.
        "--log-level=ERROR",
        "--LabApp.log_level=ERROR",
    ]
    if outside:
        argv.append("--ServerApp.allow_remote_access=True")  # the host's name for it is another
    if not has_screen():
        argv.append("--no-browser")
    env = {
        "IPYTHONDIR": os.path.join(runtime, "ipython"),  # nothing in the home directory
        **os.environ,
        "PATH": folder + os.pathsep + os.environ.get("PATH", os.defpath),
        "VIRTUAL_ENV": venv,
        # By the environment: a command line can be read by every user.
        "JUPYTER_TOKEN": token,
        "JUPYTER_RUNTIME_DIR": runtime,
        "JUPYTERLAB_WORKSPACES_DIR": os.path.join(runtime, "desks"),
        "MINIDOCKER_LAB_URL": outside or f"http://127.0.0.1:{port}",
        "JUPYTER_CONFIG_PATH": os.pathsep.join(
            filter(None, (CONFIG, os.environ.get("JUPYTER_CONFIG_PATH")))
        ),
    }
    return argv, env


def divide_cgroup() -> None:
    """Empty the cgroup that systemd has given us, so that the rooms' limits can be made in it.

    Nobody divides one in which a process sits, cgroups(7): all in it go into a child of it. It says
    itself that it was given, by an attribute. systemd-run --user --scope -p Delegate=yes make learn
    """
    if not os.geteuid() or platform.system() != "Linux":
        return
    try:
        with open("/proc/self/cgroup") as file:
            own = next(line[3:].strip() for line in file if line.startswith("0::"))
        own = "/sys/fs/cgroup" + own
        if os.getxattr(own, "user.delegate") != b"1":
            return
        os.makedirs(f"{own}/{HOST_GROUP}", exist_ok=True)
        with open(f"{own}/cgroup.procs") as file:
            pids = file.read().split()
        for pid in pids:
            with open(f"{own}/{HOST_GROUP}/cgroup.procs", "w") as file:
                file.write(pid)
    except (OSError, StopIteration):
        pass  # it is not ours to divide


def wants_room(runtime: str) -> bool:
    """Say whether kernels shall be root in a room: where one can be made, and nobody says no."""
    if platform.system() != "Linux" or os.environ.get("MINIDOCKER_NO_ROOM"):
        return False
    if os.path.exists(LAB_MARKER):  # a machine that can be lost: all of it may be used
        return False
    tried = subprocess.run(
        [*room(runtime), "true"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    if tried.returncode:
        print(tried.stderr.decode(errors="replace"), end="")
        print(
            "The notebooks open all the same; what needs root in them says so."
            if os.geteuid()
            else "The notebooks run on this machine itself, as root: take care."
        )
        return False
    print(
        "The notebooks run in a room: you are root in it, and no harm is done outside.\n"
        "JupyterLab's terminals are outside; there `minidocker room` opens another one."
    )
    if not os.geteuid():
        print(f"Where a lesson wants the whole machine: Kernel, Change Kernel, '{MACHINE_KERNEL}'.")
    print("All without a room: make learn MINIDOCKER_NO_ROOM=1")
    return True


def room(runtime: str) -> list[str]:
    """Return the words that open a room; shared with it: the sockets, and the learner's record."""
    record = os.path.join(ROOT, ".minidocker")
    os.makedirs(record, exist_ok=True)
    command = os.path.join(VENV, "bin", "minidocker")
    return [command, "room", "--share", runtime, "--share", record]


def room_kernel(runtime: str) -> str:
    """Write the kernel that lives in a room; return the folder for JUPYTER_PATH.

    The course is read-only there, so that nothing in a notebook can hurt it. Root may choose a
    kernel on the machine itself, too.
    """
    programs = os.path.join(VENV, "bin")
    python = [os.path.join(programs, "python"), "-m", "ipykernel_launcher"]
    if not os.geteuid():
        kernel(runtime, python, MACHINE_KERNEL, "machine")
    return kernel(runtime, [*room(runtime), *python], "Python 3 in a room")


def kernel(runtime: str, argv: list[str], title: str, name: str = "python3") -> str:
    """Write how a kernel is started; return JUPYTER_PATH's folder. Notebooks ask for `python3`."""
    folder = os.path.join(runtime, "share", "kernels", name)
    os.makedirs(folder, exist_ok=True)
    spec = {"argv": [*argv, "-f", "{connection_file}"], "display_name": title, "language": "python",
            "interrupt_mode": "message", "metadata": {"debugger": False}}  # fmt: skip
    with open(os.path.join(folder, "kernel.json"), "w", encoding="utf-8") as file:
        json.dump(spec, file)
    return os.path.join(runtime, "share")


def in_lab_machine() -> None:
    """Become JupyterLab, as the lab machine's service; the kernels of its notebooks are root's."""
    runtime, outside = os.environ["RUNTIME_DIRECTORY"], os.environ["MINIDOCKER_LAB_URL"]
    argv, env = lab_command(8888, os.environ["JUPYTER_TOKEN"], runtime, outside)
    env["JUPYTER_PATH"] = kernel(runtime, ["minidocker-kernel"], "Python 3 as root")
    os.execve(argv[0], argv, env)


def address() -> str:
    """Return what a learner opens in a browser; its parts are in the environment."""
    return f"{os.environ['MINIDOCKER_LAB_URL']}{FIRST}?token={os.environ['JUPYTER_TOKEN']}"


def end_lab(process: subprocess.Popen[bytes]) -> None:
    """Let JupyterLab stop its kernels, and insist if it does not."""
    for signum, patience in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        if process.poll() is None:
            process.send_signal(signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)


def answers(port: int, token: str) -> bool:
    """Say whether the JupyterLab that knows our token listens on this port."""
    query = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        query.request("GET", "/api/status", headers={"Authorization": f"token {token}"})
        return query.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        query.close()


def announce(process: subprocess.Popen[bytes], port: int, token: str) -> None:
    """Wait until JupyterLab answers, then print its address."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if answers(port, token):
            break
        time.sleep(0.1)
    else:
        raise RuntimeError("JupyterLab did not start", f"try by hand: {VENV}/bin/jupyter lab")
    print(f"\nJupyterLab is ready. Open this in a browser (Ctrl-C here stops it):\n\n"
          f"    http://127.0.0.1:{port}{FIRST}?token={token}\n")  # fmt: skip
    if os.environ.get("SSH_CONNECTION"):
        print(f"From your own computer first: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE\n")
    sys.stdout.flush()


if __name__ == "__main__":
    in_lab_machine()
