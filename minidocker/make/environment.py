"""The virtual environment: its Python, what is installed in it, and a quick `minidocker`."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import tempfile

from minidocker.make.bundle import FORMAT, KINDS
from minidocker.make.running import ROOT, Screen, Trouble, ask, must

VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "minidocker-setup.json")
LOG = os.path.join(VENV, "minidocker-setup.log")
BUNDLE = os.path.join(VENV, "minidocker-run.bundle")
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
        quick_start()
        return screen.end(f"minidocker[{extra}] is there")
    if stamp.get("digest") != now:
        extras = set()
    wanted = ",".join(sorted(extras | {extra}))
    pip = [os.path.join(VENV, "bin", "python"), "-m", "pip", "install", "--no-input"]
    pip += ["--disable-pip-version-check", "--progress-bar", "off"]
    remedy = "check the network, then run the same command again"
    must([*pip, "-e", f"{ROOT}[{wanted}]"], screen, LOG, "pip install", remedy)
    quick_start()
    with open(STAMP, "w", encoding="utf-8") as out:
        json.dump({"digest": now, "extras": ",".join(everything_in(wanted)), "root": ROOT}, out)
    screen.end(f"installed minidocker[{wanted}]")


def quick_start() -> None:
    """Write the launcher and its bundle: an update may have brought other ones."""
    write_launcher()
    script = os.path.join(ROOT, "minidocker", "make", "bundle.py")
    python = os.path.join(VENV, "bin", "python")
    for kind in KINDS:
        argv = [python, "-IS", "-X", "no_debug_ranges", script, ROOT, bundle_of(kind), kind]
        ask(argv)


def everything_in(extras: str) -> list[str]:
    """Return the extras that these extras bring along: test holds learn, dev holds test."""
    ladder = ["learn", "test", "dev"]
    return ladder[: max(ladder.index(extra) for extra in extras.split(",")) + 1]


# Python compiles this text at each start, at a price of 50,000 instructions a line: it is short.
LOADING = """\
    import _imp, gc, marshal, os

    gc.disable()  # looking for garbage, of which a run makes next to none, costs 1 ms
    magic = sys.modules["_frozen_importlib_external"].MAGIC_NUMBER
    mark = repr(({format}, sys.version, magic, root)).encode()
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        found = os.fstat(fd)
        data = os.read(fd, found.st_size)
        os.close(fd)
        body = memoryview(data)[len(mark) + 8 :]
        if (
            found.st_mode & 0o170022 == 0o100000  # a regular file, for its owner alone to write
            and found.st_uid in (0, os.stat(root + "/minidocker").st_uid)
            and not os.stat(os.path.dirname(path)).st_mode & 0o002
            and data.startswith(mark + _imp.source_hash({format}, body))
        ):
            loader, stamps, modules = marshal.loads(body)
            del data, body  # 400 kB
            exec(loader)
            loaded = load(stamps, modules)
    except OSError:
        pass
"""
LAUNCHER = """\
#!{python} -IS
# Written by `make setup`. Only `run` is in a hurry: it takes its modules from the bundle, if all
# this is true (minidocker/make/bundle.py says why). -S leaves out site-packages, and 5 ms.
import sys

root, path = {root!r}, {bundle!r}
loaded = False
if sys.argv[1:2] == ["run"]:
{loading}sys.path.insert(0, root)
from minidocker.__main__ import start

start(root, path, loaded)
"""


# verb of the runtime → the kind of its start
VERBS = {"create": "create", "run": "create", "start": "start", "exec": "exec", "kill": "delete",
         "delete": "delete"}  # fmt: skip
RUNTIME = """\
#!{python} -IS
# Written by `make setup`: what podman --runtime and its like call, several times a container.
# The verbs that they wait for take their modules from a bundle, as `minidocker run` does.
import sys

root, bundles = {root!r}, {bundles!r}
path = next((bundles[word] for word in sys.argv if word in bundles), "")
if path:
{loading}sys.path.insert(0, root)
from minidocker.__main__ import runtime_only

runtime_only()
"""


def launcher(python: str) -> str:
    """Return the text of the quick `minidocker`, for the interpreter at this path."""
    return filled(LAUNCHER, python)


def filled(text: str, python: str) -> str:
    """Fill a launcher's text in."""
    bundles = {verb: bundle_of(kind) for verb, kind in VERBS.items()}
    loading = LOADING.format(format=FORMAT)
    return text.format(python=python, root=ROOT, bundle=BUNDLE, bundles=bundles, loading=loading)


def bundle_of(kind: str) -> str:
    """Return where the bundle of a kind of start lies."""
    return BUNDLE if kind == "run" else os.path.join(VENV, f"minidocker-{kind}.bundle")


def write_launcher() -> None:
    """Put quick programs in place of pip's, which start two to three times slower.

    Left alone where the path has a space or is too long for a #! line.
    """
    python = os.path.join(VENV, "bin", "python")
    if " " in python or len(python) > 120:
        return
    for name, text in (
        ("minidocker", launcher(python)),
        ("minidocker-runtime", filled(RUNTIME, python)),
    ):
        script = os.path.join(VENV, "bin", name)
        with open(script + ".new", "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(script + ".new", 0o755)
        os.replace(script + ".new", script)
