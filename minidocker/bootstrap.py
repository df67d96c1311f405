"""Set up minidocker on a machine that has only a Python: what `make` runs.

    python3 -I minidocker/bootstrap.py learn|setup|update|test|test-more|lint|debian|vm|vm-down|box
    python3 -I minidocker/bootstrap.py clean|remove [--yes]

It needs the standard library alone, and of minidocker only the room `make`, for nothing is
installed yet. Every step looks first, so a second run does only what is missing,
and a run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

# -I keeps the course off the path. No syntax newer than 3.8 here: this file also runs on a
# Python too old for minidocker, to say so.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from minidocker.make import renumber
from minidocker.make.environment import (
    LOG,
    VENV,
    environment,
    interpreter,
    python_packages,
    wants_venv_package,
)
from minidocker.make.packages import (
    PACKAGES,
    PACKAGES_FOR_ARM64,
    PACKAGES_FOR_IMAGES,
    PACKAGES_FOR_TESTS,
    noted,
    packages,
    packages_for_vm,
    removable,
)
from minidocker.make.running import ROOT, Screen, Trouble, ask, must

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST_TEST = 900  # seconds; the longest one takes 400 in a machine under emulation


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
        for told in renumber.carry(ROOT):
            print(told)
        prepare(screen, "learn", PACKAGES)
        base_image(screen)
        doctor(screen)
    print(f"\nThe command is {VENV}/bin/minidocker; to call it by its name alone:\n"
          f"    source {shlex.quote(os.path.join(VENV, 'bin', 'activate'))}")  # fmt: skip
    return 0


def learn() -> int:
    """Set up, then open JupyterLab."""
    status = setup()
    if status:
        return status
    from minidocker.lab import jupyter

    try:
        return jupyter.lab()
    except RuntimeError as problem:
        raise Trouble(*problem.args) from None


def update() -> int:
    """Bring new lessons; the learner's edits stay."""
    script = os.path.join(ROOT, "minidocker", "update.py")
    return subprocess.run([sys.executable, "-I", script]).returncode


def test(*argv: str) -> int:
    """Set up what the tests need, and become pytest."""
    return _tests(argv, {})


def _tests(argv: Sequence[str], also: dict[str, str]) -> int:
    """The same, with the packages of other lab machines, too."""
    machines = {} if os.environ.get("MINIDOCKER_VM_TESTS") == "0" else packages_for_vm()
    if machines:
        machines |= also
    with alone():
        prepare(Screen(3), "test", {**PACKAGES, **PACKAGES_FOR_TESTS, **machines})
    python = os.path.join(VENV, "bin", "python")
    sys.stdout.flush()
    os.chdir(ROOT)
    # A test that hangs fails by itself, says where, and the others go on.
    usual = ["--durations=10", "--durations-min=1", f"--timeout={LONGEST_TEST}"]
    os.execv(python, [python, "-m", "pytest", *usual, *argv])


def test_more(*argv: str) -> int:
    """The heavy tests, which `test` leaves out."""
    return _tests(["-m", "more", *argv], PACKAGES_FOR_ARM64)


def faults(*argv: str) -> int:
    """Try every point of a run, where `make test` draws a few: see tests/faults."""
    os.environ["MINIDOCKER_FAULTS"] = "all"
    return test("tests/faults", *argv)


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
    empty_folder()
    print("removed .venv and caches; your images and your work stay")
    return 0


def empty_folder() -> None:
    """Remove what can be made again from the folder of the course."""
    made = [".venv", "build", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache"]
    caches = glob.glob(os.path.join(ROOT, "**", "__pycache__"), recursive=True)
    eggs = glob.glob(os.path.join(ROOT, "*.egg-info"))
    for path in [os.path.join(ROOT, name) for name in made] + caches + eggs:
        shutil.rmtree(path, ignore_errors=True)


def remove(*argv: str) -> int:
    """Undo all that the course put on this machine; say first what that is, and ask."""
    command = minidocker("uninstall")
    if not os.path.exists(command[0]):  # `make clean` was here before
        command = [interpreter(), "-m", "minidocker", "uninstall"]
    if subprocess.run([*command, "--dry-run"], cwd=ROOT).returncode:
        return 1
    names = noted()
    print(f"  {VENV} and the caches in this folder")
    if names:
        print(f"  Debian packages that `make` installed: {' '.join(names)}")
    print(f"Your work stays, in {ROOT}: exercises, notebooks, .minidocker")
    stays = "What JupyterLab keeps for all notebooks stays, too: ~/.jupyter, ~/.local/share/jupyter"
    print(stays, flush=True)  # before what others write
    if "--yes" not in argv and not agreed():
        print("Nothing was changed.")
        return 1
    if subprocess.run([*command, "--yes"], cwd=ROOT).returncode:
        return 1
    empty_folder()
    print("done: .venv and the caches in this folder", flush=True)
    if names:
        remove_packages(names)
    print(f"Done. The last thing is the folder with your work: {ROOT}")
    return 0


def agreed() -> bool:
    """Ask on the terminal; where there is none, nobody has agreed."""
    if not sys.stdin.isatty():
        raise Trouble("nobody can answer here", "make remove ARGS=--yes")
    return input("Remove all of this? [y/N] ").strip().lower() in ("y", "yes")


def remove_packages(names: list[str]) -> None:
    """Remove Debian packages as root, where no other package needs them; else say the line."""
    line = f"apt-get remove {' '.join(names)}"
    if os.geteuid():
        print(f"Debian packages: sudo {line}")
    elif not removable(names):
        print(f"Debian packages stay, for other packages need them: {line}")
    else:
        subprocess.run([*line.split(), "-y"], check=False)


COMMANDS = {
    "setup": setup,
    "learn": learn,
    "update": update,
    "test": test,
    "test-more": test_more,
    "faults": faults,
    "lint": lint,
    "debian": debian_command,
    "vm": vm,
    "vm-down": vm_down,
    "box": box,
    "clean": clean,
    "remove": remove,
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
