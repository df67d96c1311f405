"""Which way imports point, and what the hot path may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from minidocker.verbs import words

PACKAGE = Path(__file__).resolve().parents[2] / "minidocker"
# From the ground up. A room may import from the lines above it, and from itself; never from a
# room beside it. Imports inside functions count, and those for types only.
FLOORS = [
    ("errors", "places", "forked", "make"),
    ("kernel", "course", "formats"),
    ("spec", "seccomp", "proc"),
    ("net", "volumes"),
    ("stages", "doctor"),
    ("runtime", "chamber"),
    ("images",),
    ("pictures",),
    ("engine", "plan", "xray"),
    ("lab", "grader", "build", "oci", "exam"),
    ("escapes", "vm", "update"),
    ("classroom",),
    ("verbs",),
    ("bench",),
    ("cli", "bootstrap"),
    ("__main__",),
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "config" not in path.parts)
MODULES = {
    ".".join(("minidocker", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in FILES
}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    if path == PACKAGE / "cli.py":  # it dispatches by the table of words
        found.update(f"minidocker.{name}" for name in words.MODULES.values())
    return found


def room(name: str) -> str:
    """The room of "minidocker.stages.pid" is "stages"."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def of_ours(module: str) -> set[str]:
    """The modules of the package that one of them imports: the file meant, not its folder."""
    found = {name for name in imports(MODULES[module]) if name in MODULES and name != module}
    return {name for name in found if not any(other.startswith(f"{name}.") for other in found)}


def test_every_room_has_its_floor() -> None:
    rooms = {room(module) for module in MODULES} - {"__init__"}
    assert rooms == set(FLOOR)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_down(module: str) -> None:
    own = room(module)
    for name in of_ours(module) if own != "__init__" else ():
        other = room(name)
        if other not in (own, "__init__"):
            assert FLOOR[other] < FLOOR[own], f"{MODULES[module]} imports {MODULES[name]}"


def test_no_files_import_each_other_in_a_circle() -> None:
    arrows = {module: of_ours(module) for module in MODULES}
    left = dict(arrows)
    while leaves := [module for module, down in left.items() if not down & left.keys()]:
        for module in leaves:
            del left[module]
    # what is left stands in a circle, or above one: take away what nothing of it imports
    while tops := left.keys() - {name for module in left for name in arrows[module]}:
        for module in tops:
            del left[module]
    said = [f"{MODULES[m]} imports {MODULES[n]}" for m in left for n in arrows[m] & left.keys()]
    assert not left, "\n".join(said)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_each_library_has_its_room(path: Path) -> None:
    relative = str(path.relative_to(PACKAGE))
    names = {name.split(".")[0] for name in imports(path)}
    if relative != "kernel/foreign.py":
        assert not names & {"ctypes", "_ctypes"}
    if names & {"rich", "IPython"}:
        assert relative in PRINTS or relative.startswith(("lab/", "verbs/")), f"{relative} prints"
    if names & {"pytest", "pexpect", "_pytest"}:
        assert relative.startswith("grader/") or relative == "vm/check_machine.py"


# Outside the notebook tools and the words of the command line, these show things to people.
PRINTS = {
    "bench/report.py", "course/printer.py", "doctor/doctor.py", "escapes/report.py",
    "pictures/live.py",
}  # fmt: skip


def test_stages_import_neither_each_other_nor_linux() -> None:
    for path in (PACKAGE / "stages").glob("*.py"):
        if path.name == "__init__.py":
            continue
        for name in imports(path):
            assert name != "minidocker.kernel.linux"
            if name.startswith("minidocker.stages."):
                assert name.startswith("minidocker.stages.base"), f"{path.name} imports {name}"


# What a plain `minidocker run` may load beyond a bare interpreter. Each of the others costs the
# start milliseconds: typing 5, enum 4, re 6, json 6, argparse 8, dataclasses 10.
HEAVY = {
    "typing", "enum", "re", "json", "argparse", "dataclasses", "pathlib", "subprocess", "socket",
    "signal", "shutil", "tempfile", "collections", "functools", "inspect", "traceback",
    "linecache", "logging", "rich", "tarfile", "hashlib", "tomllib", "ast",
}  # fmt: skip


def test_the_hot_path_is_lean() -> None:
    script = (
        "import sys; before = set(sys.modules)\n"
        "import minidocker.cli, minidocker.plan.options, minidocker.plan.from_options, minidocker.images.store.store\n"
        "import minidocker.kernel.linux, minidocker.runtime.state, minidocker.runtime.host\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    out = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n{script}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert not sorted(set(out) & HEAVY)
    assert "minidocker.runtime.host" in out


def test_the_hot_path_is_lean_when_it_has_run(shared_store: Path) -> None:
    """What is loaded at the moment of exec, seen from a stage file that is adopted by nobody."""
    script = (
        "import sys, os\n"
        f"sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        "from minidocker.runtime import child\n"
        "def execute(self):\n"
        "    os.write(1, ' '.join(sorted(sys.modules)).encode()); os._exit(0)\n"
        "child.Child.execute = execute\n"
        "from minidocker.cli import main\n"
        f"sys.exit(main(['run', '--rm', 'base', 'true']))"
    )
    import os

    if os.geteuid():
        pytest.skip("blocked: needs root (sudo make test)")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)},
    )  # fmt: skip
    loaded = done.stdout.split()
    assert "minidocker.runtime.child" in loaded
    assert not sorted(set(loaded) & HEAVY)


def test_every_room_is_on_the_page() -> None:
    page = (PACKAGE.parent / "ARCHITECTURE.md").read_text()
    for name in FLOOR:
        if name != "__main__":
            assert f"`{name}/`" in page or f"`{name}.py`" in page, name


TABLES = {"kernel/flags.py", "kernel/trace.py"}  # longer than other modules may be


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_can_be_read_at_once(path: Path) -> None:
    if str(path.relative_to(PACKAGE)) not in TABLES:
        assert len(path.read_text().splitlines()) <= 350, f"{path} is too long: split it"
