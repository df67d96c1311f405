"""The virtual environment: its Python, what is installed in it, and a quick `minidocker`."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import tempfile

from minidocker.make.running import ROOT, Screen, Trouble, ask, must

VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "minidocker-setup.json")
LOG = os.path.join(VENV, "minidocker-setup.log")
OLDEST = (3, 11)


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
