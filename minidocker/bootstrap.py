"""Set up minidocker on a machine that has only a Python: what `make` runs.

    python3 -I minidocker/bootstrap.py learn|setup|update|test|lint|debian|vm|vm-down|box|clean

It needs the standard library alone, and nothing of minidocker, for nothing is
installed yet. Every step looks first, so a second run does only what is missing,
and a run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import http.client
import json
import os
import platform
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# This file also runs on a Python too old for minidocker, to say so: hence
# no syntax newer than 3.8.

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "minidocker-setup.json")
LOG = os.path.join(VENV, "minidocker-setup.log")
NOTEBOOK = "notebooks/00_what_is_a_container.ipynb"
OLDEST = (3, 11)

# Debian package: a program or file that shows it is there. The file is looked
# for on machines without dpkg.
PACKAGES = {
    "busybox-static": "busybox",
    "iproute2": "ip",
    "mount": "mount",
    "nftables": "nft",
    "procps": "ps",
    "slirp4netns": "slirp4netns",
    "strace": "strace",
    "uidmap": "newuidmap",
    "util-linux": "unshare",
}
PACKAGES_FOR_IMAGES = {"mmdebstrap": "mmdebstrap"}
PACKAGES_FOR_TESTS = {
    **PACKAGES_FOR_IMAGES,
    "git": "git",
    "chromium": "chromium",
    # the engine and the runtimes that ours is compared with
    "podman": "podman",
    "runc": "runc",
    "crun": "crun",
    "python3-seccomp": "",  # libseccomp, to compare our filters with
}
PACKAGES_FOR_VM = os.path.join(ROOT, "minidocker", "vm", "host-packages.txt")

# JupyterLab as a learner meets it: nothing pops up over the notebook or asks the internet, the
# kernel starts without a question, and a line that is wider than the window is folded, not cut.
LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {
        "autoStartDefaultKernel": True,
        "codeCellConfig": {"lineNumbers": False, "lineWrap": True},
    },
}


class Trouble(Exception):
    """Set-up cannot go on: what happened, and what to do about it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class Screen:
    """One line a step: its name, what is going on, and the seconds it took."""

    def __init__(self, steps: int) -> None:
        self.steps, self.step, self.name = steps, 0, ""
        self.live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.began = self.spoke = time.monotonic()

    def begin(self, name: str) -> None:
        """Start a step; its line is finished by `end`."""
        self.step += 1
        self.name = name
        self.began = self.spoke = time.monotonic()

    def seconds(self) -> float:
        """Return the seconds since the step began."""
        return time.monotonic() - self.began

    def head(self) -> str:
        """Return the left part of the step's line."""
        return f"[{self.step}/{self.steps}] {self.name:<20} "

    def tick(self, word: str) -> None:
        """Show what goes on: in place on a terminal, every 15 seconds elsewhere."""
        if self.live:
            room = max(10, shutil.get_terminal_size().columns - len(self.head()) - 10)
            text = f"{self.seconds():5.0f} s  {word[:room]}"
            print(f"\r\033[K{self.head()}{text}", end="", flush=True)
        elif time.monotonic() - self.spoke > 15:
            self.spoke = time.monotonic()
            print(f"{self.head()}… {self.seconds():.0f} s  {word[:60]}", flush=True)

    def end(self, result: str) -> None:
        """Finish the step's line with what came of it."""
        if self.live:
            print("\r\033[K", end="")
        took = f"  ({self.seconds():.1f} s)" if self.seconds() >= 0.5 else ""
        print(f"{self.head()}{result}{took}", flush=True)


# ---------------------------------------------------------------- running things


TELLING = re.compile(r"^(Collecting|Downloading|Installing|Building|Get:|Unpacking|Setting up|I: )")


def run(argv: Sequence[str], screen: Screen, log: str, env: dict[str, str] | None = None) -> int:
    """Run argv with its output in the log and its last telling line on the screen.

    The program gets a session of its own, so that Ctrl-C reaches only us and we
    choose how to end it. Returns its exit status.
    """
    with open(log, "a", encoding="utf-8", errors="replace") as out:
        out.write(f"\n$ {shlex.join(argv)}\n")
        out.flush()
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            for line in lines_of(process, screen):
                out.write(line)
            return process.wait()
        except BaseException:
            stop(process)
            raise


def lines_of(process: subprocess.Popen[str], screen: Screen) -> Iterator[str]:
    """Yield the program's lines, and keep the screen's clock going between them."""
    word, stream = "", process.stdout
    assert stream is not None
    while True:
        ready, _, _ = select.select([stream], [], [], 1.0)
        screen.tick(word)
        if not ready:
            continue
        line = stream.readline()
        if not line:
            return
        if TELLING.match(line):
            word = line.strip()
        yield line


def stop(process: subprocess.Popen[str]) -> None:
    """End a program that the user no longer wants, and all that it started."""
    for signum, patience in ((signal.SIGINT, 10.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signum)
            process.wait(patience)
            return


def must(argv: Sequence[str], screen: Screen, log: str, what: str, remedy: str, **env: str) -> None:
    """Run argv; when it fails, show the end of the log and what to do."""
    if run(argv, screen, log, env):
        screen.end("failed")
        with open(log, encoding="utf-8", errors="replace") as text:
            tail = text.read().splitlines()[-15:]
        print("\n".join("    " + line for line in tail))
        raise Trouble(f"{what} failed; the whole log is in {log}", remedy)


def ask(argv: Sequence[str]) -> str:
    """Return what argv prints, or "" if it fails or is not there."""
    try:
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


# ---------------------------------------------------------------- Debian's packages


def missing_packages(wanted: dict[str, str]) -> list[str]:
    """Return which of the wanted Debian packages are not installed."""
    if shutil.which("dpkg-query"):
        query = ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *wanted]
        # It exits 1 when one of them is unknown, and prints the others all the same.
        done = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        have = {row.split()[0] for row in done.stdout.splitlines() if row.endswith(" installed")}
        return [name for name in wanted if name not in have]
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [name for name, program in wanted.items() if not shutil.which(program, path=path)]


def packages(screen: Screen, wanted: dict[str, str]) -> None:
    """Install the Debian packages that are missing, or say the line that does."""
    screen.begin("Debian packages")
    missing = missing_packages(wanted)
    if not missing:
        return screen.end(f"all {len(wanted)} are there")
    if platform.system() != "Linux":
        return screen.end("skipped: this is not Linux, containers will need a virtual machine")
    if not shutil.which("apt-get"):
        return screen.end(f"this is no Debian; please install what gives: {' '.join(missing)}")
    if os.geteuid():
        screen.end(f"missing: {' '.join(missing)}")
        return print(f"      to install them: sudo apt-get install {' '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="minidocker-") as folder:
        done = install(missing, screen, os.path.join(folder, "apt.log"))
    without = [name for name in missing if name not in done]
    told = [f"installed {' '.join(done)}"] if done else []
    told += [f"not in this release: {' '.join(without)}"] if without else []
    screen.end("; ".join(told))


def install(names: list[str], screen: Screen, log: str) -> list[str]:
    """Install Debian packages by apt-get, waiting for another apt to finish; return which."""
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "-o", "APT::Color=0"]
    remedy = f"check the network, then try it by hand: apt-get install {' '.join(names)}"
    if ask(["dpkg", "--audit"]):  # an earlier installation was cut off
        run(["dpkg", "--configure", "-a"], screen, log)
    must([*apt, "update"], screen, log, "apt-get update", remedy)
    # Not every release has all: Ubuntu has Chromium as a snap only, and its test is then blocked.
    known = {row.split()[0] for row in ask(["apt-cache", "madison", *names]).splitlines()}
    names = [name for name in names if name in known]
    if not names:
        return []
    must(
        [*apt, "install", "-y", "--no-install-recommends", *names],
        screen, log, "apt-get install", remedy,
        DEBIAN_FRONTEND="noninteractive",
    )  # fmt: skip
    return names


# ---------------------------------------------------------------- the interpreter


def interpreter() -> str:
    """Return the real path of the Python that the virtual environment is made from."""
    chosen = os.environ.get("PYTHON", "")
    names = [chosen] if chosen else ["/usr/bin/python3", "python3", "python3.13", "python3.12",
                                     "python3.11", "python3.14"]  # fmt: skip
    seen = []
    for name in names:
        found = describe(name)
        if found:
            seen.append("{} is {}.{}".format(name, *found[1]))
            if found[1] >= OLDEST:
                return found[0]
    raise Trouble(
        f"minidocker needs Python 3.11 or newer; {'; '.join(seen) or 'none was found'}",
        "apt-get install python3 (Debian 12 or newer), or: make setup PYTHON=/path/to/python3.12",
    )


def describe(name: str) -> tuple[str, tuple[int, int]] | None:
    """Return the real executable behind a Python's name, and its version.

    A name may be a shell script that picks a version (a shim) and costs 200 ms
    at each start, so the interpreter itself is asked.
    """
    code = (
        "import os, sys; base = getattr(sys, '_base_executable', sys.executable); "
        "print(os.path.realpath(base), *sys.version_info[:2])"
    )
    answer = ask([name, "-I", "-c", code]).rsplit(" ", 2)
    return (answer[0], (int(answer[1]), int(answer[2]))) if len(answer) == 3 else None


def wants_venv_package(python: str) -> bool:
    """Say whether this Python is Debian's, which keeps ensurepip in a package of its own."""
    return bool(python.startswith("/usr/bin/") and shutil.which("dpkg-query"))


# ---------------------------------------------------------------- the environment


def read_stamp() -> dict[str, object]:
    """Return what the last complete set-up wrote down, or {}."""
    try:
        with open(STAMP, encoding="utf-8") as text:
            return dict(json.load(text))
    except (OSError, ValueError):
        return {}


def digest() -> str:
    """Return a hash of what decides which Python packages are installed."""
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as data:
        return hashlib.sha256(data.read()).hexdigest()


def environment(screen: Screen, python: str) -> None:
    """Make .venv, or make it anew where its Python or this folder has changed."""
    screen.begin("virtual environment")
    inside = describe(os.path.join(VENV, "bin", "python"))
    wanted = describe(python)
    if inside and inside == wanted and read_stamp().get("root", ROOT) == ROOT:
        return screen.end(".venv is there")
    if os.path.isdir(VENV) and not os.access(VENV, os.W_OK):
        raise Trouble(".venv belongs to another user", f"sudo rm -r {shlex.quote(VENV)}")
    with tempfile.TemporaryDirectory(prefix="minidocker-") as folder:
        must(
            [python, "-m", "venv", "--clear", VENV],
            screen, os.path.join(folder, "venv.log"), "making the virtual environment",
            "sudo apt-get install python3-venv" if wants_venv_package(python)
            else "choose another Python: make setup PYTHON=/path/to/python3.12",
        )  # fmt: skip
    screen.end(".venv, Python {}.{}".format(*(wanted or ("", (0, 0)))[1]))


def python_packages(screen: Screen, extra: str) -> None:
    """Install minidocker and an extra into .venv, unless that has been done."""
    screen.begin("Python packages")
    stamp, now = read_stamp(), digest()
    extras = set(str(stamp.get("extras", "")).split(",")) - {""}
    if stamp.get("digest") == now and extra in extras and stamp.get("root") == ROOT:
        return screen.end(f"minidocker[{extra}] is there")
    if stamp.get("digest") != now:
        extras = set()
    wanted = ",".join(sorted(extras | {extra}))
    pip = [os.path.join(VENV, "bin", "python"), "-m", "pip", "install", "--no-input"]
    pip += ["--disable-pip-version-check", "--progress-bar", "off"]
    remedy = "check the network, then run the same command again"
    must([*pip, "-e", f"{ROOT}[{wanted}]"], screen, LOG, "pip install", remedy)
    write_launcher()
    with open(STAMP, "w", encoding="utf-8") as out:
        json.dump({"digest": now, "extras": ",".join(everything_in(wanted)), "root": ROOT}, out)
    screen.end(f"installed minidocker[{wanted}]")


def everything_in(extras: str) -> list[str]:
    """Return the extras that these extras bring along: test holds learn, dev holds test."""
    ladder = ["learn", "test", "dev"]
    return ladder[: max(ladder.index(extra) for extra in extras.split(",")) + 1]


LAUNCHER = """\
#!{python} -IS
# Written by `make setup`. Only `run` is in a hurry. -S leaves out site-packages, which cost a
# start 5 ms and more, and every other command brings them back.
import sys

sys.path.insert(0, {root!r})
if sys.argv[1:2] == ["run"]:
    import gc
    import os

    gc.disable()  # looking for garbage, of which a run makes next to none, costs 1 ms
    from minidocker.__main__ import main

    status = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)  # taking the interpreter apart costs 3 ms
import site

site.main()
from minidocker.__main__ import main

sys.exit(main())
"""


def write_launcher() -> None:
    """Put a quick `minidocker` in place of pip's, which starts two to three times slower.

    Left alone where the path has a space or is too long for a #! line.
    """
    python = os.path.join(VENV, "bin", "python")
    if " " in python or len(python) > 120:
        return
    script = os.path.join(VENV, "bin", "minidocker")
    with open(script + ".new", "w", encoding="utf-8") as out:
        out.write(LAUNCHER.format(python=python, root=ROOT))
    os.chmod(script + ".new", 0o755)
    os.replace(script + ".new", script)


# ---------------------------------------------------------------- image, doctor, lab


def minidocker(*argv: str) -> list[str]:
    """Return the command line of the installed minidocker."""
    return [os.path.join(VENV, "bin", "minidocker"), *argv]


def base_image(screen: Screen) -> None:
    """Build the base image from the machine's static busybox, where that can be."""
    screen.begin("base image")
    if platform.system() != "Linux":
        return screen.end("skipped: not Linux")
    if os.geteuid():
        return screen.end("skipped: images need root for now; with root: sudo make setup")
    if any(row.split()[:1] == ["base"] for row in ask(minidocker("image", "ls")).splitlines()):
        return screen.end("it is there")
    remedy = "try it by hand: .venv/bin/minidocker image build-base"
    must(minidocker("image", "build-base"), screen, LOG, "building the base image", remedy)
    screen.end("built")


def doctor(screen: Screen) -> None:
    """Run `minidocker doctor`: what this machine can show. Gaps do not stop the set-up."""
    screen.begin("doctor")
    screen.end("what this machine can show:\n")
    subprocess.run(minidocker("doctor"), cwd=ROOT, check=False)


def debian(screen: Screen) -> None:
    """Make a small Debian with mmdebstrap and import it as the image `debian`."""
    screen.begin("image debian")
    if os.geteuid():
        raise Trouble("the Debian image needs root", "sudo make debian")
    with tempfile.TemporaryDirectory(prefix="minidocker-") as folder:
        tar = os.path.join(folder, "debian.tar")
        argv = ["mmdebstrap", "--variant=minbase", "--include=python3,procps,iproute2"]
        argv += ["bookworm", tar]
        must(argv, screen, LOG, "mmdebstrap", "check the network, then run it again")
        argv = minidocker("image", "import", "debian", tar)
        must(argv, screen, LOG, "image import", "is /var/lib full? df -h /var/lib")
    screen.end("made; try: .venv/bin/minidocker run -it debian bash")


def free_port(first: int = 8888) -> int:
    """Return the first port from `first` on that nobody listens on, on 127.0.0.1."""
    for port in range(first, first + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise Trouble(f"no free port from {first} to {first + 49}", "stop an older JupyterLab")


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
        write_lab_settings(runtime)
        process = subprocess.Popen(
            argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            announce(process, port, token)
            yield process
        finally:
            end_lab(process)


def write_lab_settings(folder: str) -> None:
    """Write our defaults where `lab_command` lets JupyterLab look; the user's own settings win."""
    os.mkdir(os.path.join(folder, "labconfig"))
    path = os.path.join(folder, "labconfig", "default_setting_overrides.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump(LAB_SETTINGS, out)


def lab_command(port: int, token: str, runtime: str) -> tuple[list[str], dict[str, str]]:
    """Return the command line that starts JupyterLab, and its environment."""
    folder = os.path.join(VENV, "bin")
    shell = os.environ.get("SHELL") or "/bin/bash"
    argv = [
        os.path.join(folder, "jupyter"),
        "lab",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--allow-root",
        # Not over TCP, where every user of this machine could listen to the kernels.
        "--KernelManager.transport=ipc",
        # Said, because otherwise the terminals are login shells, which forget our PATH.
        f"--ServerApp.terminado_settings=shell_command={[shell]!r}",
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{NOTEBOOK}",
        # Its warnings are for its developers; what matters to a learner shows in the browser.
        "--log-level=ERROR",
        "--LabApp.log_level=ERROR",
    ]
    if not has_screen():
        argv.append("--no-browser")
    env = {
        **os.environ,
        "PATH": folder + os.pathsep + os.environ.get("PATH", os.defpath),
        "VIRTUAL_ENV": VENV,
        # By the environment: a command line can be read by every user.
        "JUPYTER_TOKEN": token,
        "JUPYTER_RUNTIME_DIR": runtime,
        "JUPYTER_CONFIG_PATH": os.pathsep.join(
            filter(None, (runtime, os.environ.get("JUPYTER_CONFIG_PATH")))
        ),
    }
    return argv, env


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
        raise Trouble("JupyterLab did not start", f"try by hand: {VENV}/bin/jupyter lab")
    print(f"\nJupyterLab is ready. Open this in a browser (Ctrl-C here stops it):\n\n"
          f"    http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?token={token}\n")  # fmt: skip
    if os.environ.get("SSH_CONNECTION"):
        print(f"From your own computer first: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE\n")
    sys.stdout.flush()


# ---------------------------------------------------------------- the commands


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold a lock, so that two set-ups of one tree never mix."""
    with open(os.path.join(ROOT, "pyproject.toml"), encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another set-up of this folder is running; waiting for it", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def prepare(screen: Screen, extra: str, wanted: dict[str, str]) -> None:
    """Do the steps that every command shares: Debian's packages, .venv, Python's packages."""
    python = interpreter()
    if wants_venv_package(python):
        wanted = {**wanted, "python3-venv": ""}
    packages(screen, wanted)
    environment(screen, python)
    python_packages(screen, extra)


def setup() -> int:
    """Set up everything a learner needs, and say where the command is."""
    screen = Screen(5)
    with alone():
        prepare(screen, "learn", PACKAGES)
        base_image(screen)
        doctor(screen)
    print(f"\nThe command is {VENV}/bin/minidocker; to call it by its name alone:\n"
          f"    source {shlex.quote(os.path.join(VENV, 'bin', 'activate'))}")  # fmt: skip
    return 0


def learn() -> int:
    """Set up, then open JupyterLab."""
    return setup() or lab()


def update() -> int:
    """Bring new lessons; the learner's edits stay."""
    script = os.path.join(ROOT, "minidocker", "update.py")
    return subprocess.run([sys.executable, "-I", script]).returncode


def packages_for_vm() -> dict[str, str]:
    """Return what the lab machine needs on its host.

    Only where there is dpkg: these are known by Debian's names alone.
    """
    if not shutil.which("dpkg-query"):
        return {}
    with open(PACKAGES_FOR_VM, encoding="utf-8") as lines:
        words = [line.partition("#")[0].strip() for line in lines]
    return {word: "" for word in words if word}


def test(*argv: str) -> int:
    """Set up what the tests need, and become pytest."""
    machines = {} if os.environ.get("MINIDOCKER_VM_TESTS") == "0" else packages_for_vm()
    with alone():
        prepare(Screen(3), "test", {**PACKAGES, **PACKAGES_FOR_TESTS, **machines})
    python = os.path.join(VENV, "bin", "python")
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execv(python, [python, "-m", "pytest", "--durations=10", "--durations-min=1", *argv])


def lint() -> int:
    """Run ruff and mypy over the project."""
    with alone():
        prepare(Screen(3), "dev", PACKAGES)
    checks = (["ruff", "check", "."], ["mypy"])
    return max(
        subprocess.run([os.path.join(VENV, "bin", argv[0]), *argv[1:]], cwd=ROOT).returncode
        for argv in checks
    )


def debian_command() -> int:
    """Set up, then make the image `debian`."""
    screen = Screen(4)
    with alone():
        prepare(screen, "learn", {**PACKAGES, **PACKAGES_FOR_IMAGES})
        debian(screen)
    return 0


def machine(*words: str) -> int:
    """Set up the command, with the packages that a lab machine needs, and hand over to it."""
    with alone():
        prepare(Screen(3), "learn", {**PACKAGES, **packages_for_vm()})
    sys.stdout.flush()
    os.execv(os.path.join(VENV, "bin", "minidocker"), ["minidocker", "vm", *words])


def vm() -> int:
    """Bring the Vagrant machine up."""
    return machine("vagrant", "up")


def vm_down() -> int:
    """Remove the Vagrant machine and all that was made for it."""
    return machine("vagrant", "down")


def box() -> int:
    """Build the lab machine's box, also as a file for Vagrant."""
    return machine("box", "--vagrant")


def clean() -> int:
    """Remove what set-up and the tools made in this folder; images and your work stay."""
    made = [".venv", "build", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache"]
    caches = glob.glob(os.path.join(ROOT, "**", "__pycache__"), recursive=True)
    eggs = glob.glob(os.path.join(ROOT, "*.egg-info"))
    for path in [os.path.join(ROOT, name) for name in made] + caches + eggs:
        shutil.rmtree(path, ignore_errors=True)
    print("removed .venv and caches; images stay in /var/lib/minidocker")
    return 0


COMMANDS = {
    "setup": setup,
    "learn": learn,
    "update": update,
    "test": test,
    "lint": lint,
    "debian": debian_command,
    "vm": vm,
    "vm-down": vm_down,
    "box": box,
    "clean": clean,
}


def main(argv: Sequence[str]) -> int:
    """Do one command; trouble is one sentence, what to do about it, and exit status 1."""
    if not argv or argv[0] not in COMMANDS:
        print(__doc__)
        return 2
    # A closed terminal and a kill end us as Ctrl-C does, so that nothing is left running.
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    try:
        return COMMANDS[argv[0]](*argv[1:])
    except Trouble as trouble:
        print(f"\nminidocker: {trouble}", file=sys.stderr)
        if trouble.remedy:
            print(f"  try: {trouble.remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
