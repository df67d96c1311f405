"""Which way imports point, and what the hot path may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "minidocker"
# A room may import from those before it, and from itself.
ORDER = [
    ("errors", "places", "kernel"),
    ("spec", "seccomp", "net", "course"),
    ("stages", "proc", "doctor"),
    ("runtime",),
    ("images", "engine", "pictures", "xray", "chamber"),
    ("lab", "grader", "vm", "classroom"),
    ("escapes",),
    ("plan", "verbs", "cli", "bench", "bootstrap", "update", "__main__"),
]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def room(name: str) -> str:
    """The room of "minidocker.stages.pid" is "stages"."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_never_point_back(path: Path) -> None:
    relative = path.relative_to(PACKAGE)
    own = relative.parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for name in imports(path):
        if name.startswith("minidocker.") and room(name) in RANK:
            assert RANK[room(name)] <= RANK[own], f"{relative} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_each_library_has_its_room(path: Path) -> None:
    relative = str(path.relative_to(PACKAGE))
    names = {name.split(".")[0] for name in imports(path)}
    if relative != "kernel/linux.py":
        assert "ctypes" not in names
    if names & {"rich", "IPython"}:
        assert relative.startswith(("lab/", "verbs/", "pictures/", "xray/")) or relative.endswith(
            ("commands.py", "printing.py", "bench.py", "report.py", "reports.py", "bootstrap.py")
        ), f"{relative} prints with rich"
    if names & {"pytest", "pexpect", "_pytest"}:
        assert relative.startswith("grader/")


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
