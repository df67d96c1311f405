"""The bundle of a quick start: used when all is right, and never otherwise.

Each launch here is a real one, of the launcher that `make setup` writes, over a copy of the package.
The bundle that is tried says "from the bundle" where the files would complain about the option.
"""

from __future__ import annotations

import json
import marshal
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest

from minidocker.make import bundle, environment, quick
from minidocker.stages import by_name

ROOT = Path(__file__).resolve().parents[2]
CHEAT = "def start(*_):\n    print('from the bundle')\n    raise SystemExit(7)\n"
LAST = "\nstart(root, path, loaded)\n"
FILES, BUNDLE = (125, ""), (7, "from the bundle\n")


class Installed:
    """A copy of the package, with a launcher; `run()` is (exit status, standard output)."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self.venv = folder / "venv"
        self.path = self.venv / "run.bundle"
        self.launcher = self.venv / "bin" / "minidocker"
        pattern = shutil.ignore_patterns("__pycache__", "lessons", "config")
        shutil.copytree(ROOT / "minidocker", self.root / "minidocker", ignore=pattern)
        self.launcher.parent.mkdir(parents=True)
        (self.venv / "bin" / "python").symlink_to(sys.executable)

    def parts(self) -> tuple[CodeType, list[tuple[str, quick.Stamp]], list[quick.Module]]:
        """Return a loader, stamps and modules, whose command says where it comes from."""
        begin = len(bundle.mark(str(self.root))) + 8
        loader, stamps, modules = marshal.loads(bundle.build(str(self.root))[begin:])
        cheat = compile(CHEAT, "cheat", "exec")
        return loader, stamps, [
            (*rest, cheat if rest[0] == "minidocker.__main__" else code) for *rest, code in modules
        ]

    def run(self, *words: str, **more: object) -> tuple[int, str]:
        done = subprocess.run(
            [self.launcher, "run", *(words or ("--no-such-option",))],
            capture_output=True, text=True, timeout=60, **more,  # type: ignore[call-overload]
        )  # fmt: skip
        self.said = done.stderr
        return done.returncode, done.stdout


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    found = Installed(tmp_path)
    monkeypatch.setattr(environment, "VENV", str(found.venv))
    monkeypatch.setattr(environment, "ROOT", str(found.root))
    monkeypatch.setattr(environment, "BUNDLE", str(found.path))
    monkeypatch.setattr(bundle, "SETTLED", 0)
    environment.write_launcher()
    bundle.write(str(found.path), bundle.pack(str(found.root), *found.parts()))
    return found


def test_a_bundle_that_is_right_is_used(installed: Installed, tmp_path: Path) -> None:
    before = installed.path.read_bytes()
    assert installed.run() == BUNDLE
    assert installed.run(cwd="/") == BUNDLE
    assert installed.path.read_bytes() == before
    assert installed.path.stat().st_mode & 0o7777 == 0o644


def test_without_a_bundle_the_files_are_used(installed: Installed) -> None:
    installed.path.unlink()
    assert installed.run() == FILES
    assert "run has no option --no-such-option" in installed.said


# ---------------------------------------------------------------- stale


def edit_in_place(file: Path) -> None:
    """Change a letter, keep size and time of writing: only the status change tells (ctime)."""
    found = file.stat()
    with open(file, "r+b") as stream:
        stream.seek(len('"""'))
        stream.write(b"X")
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))


def put_another_in_its_place(file: Path) -> None:
    other = file.with_suffix(".other")
    shutil.copy2(file, other)
    os.replace(other, file)


@pytest.mark.parametrize("change", [edit_in_place, put_another_in_its_place])
@pytest.mark.parametrize("name", ["plan/options.py", "stages/__init__.py", "make/quick.py"])
def test_an_edited_source_is_noticed(
    installed: Installed, change: Callable[[Path], None], name: str
) -> None:
    change(installed.root / "minidocker" / name)
    assert installed.run() == FILES


def test_a_source_that_is_gone_is_noticed(installed: Installed) -> None:
    (installed.root / "minidocker" / "runtime" / "watch.py").unlink()
    assert installed.run() == FILES


def test_an_edit_is_seen_and_the_next_start_is_quick_again(installed: Installed) -> None:
    file = installed.root / "minidocker" / "plan" / "options.py"
    bundle.write(str(installed.path), bundle.build(str(installed.root)))
    installed.run("--name")
    assert "--name needs a value" in installed.said
    file.write_text(file.read_text().replace("needs a value", "is alone"))
    time.sleep(1.2)  # SETTLED, which is one second in the process that a run starts
    before = installed.path.read_bytes()
    installed.run("--name")
    assert "--name is alone" in installed.said
    assert installed.path.read_bytes() != before
    _, stamps, _ = marshal.loads(
        installed.path.read_bytes()[len(bundle.mark(str(installed.root))) + 8 :]
    )
    assert dict(stamps)[str(file)] == quick.stamp(str(file))
    before = installed.path.read_bytes()
    installed.run("--name")
    assert "--name is alone" in installed.said
    assert installed.path.read_bytes() == before


def test_a_source_of_this_moment_is_not_bundled_yet(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "SETTLED", 1000.0)
    assert bundle.build(str(installed.root)) == b""
    before = installed.path.read_bytes()
    assert bundle.main(str(installed.root), str(installed.path)) == 1
    assert installed.path.read_bytes() == before


# ---------------------------------------------------------------- damaged, foreign


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2),
        lambda data: bytes(len(data)),
        lambda data: b"",
        lambda data: data[:20],
    ],
    ids=["a bit", "the last byte", "a byte more", "half zeros", "zeros", "empty", "twenty bytes"],
)
def test_a_damaged_bundle_is_not_used(
    installed: Installed, damage: Callable[[bytes], bytes]
) -> None:
    installed.path.write_bytes(damage(installed.path.read_bytes()))
    assert installed.run() == FILES


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        ("3.", "9."),  # another Python
        ("tree", "eert"),  # a package somewhere else
        (f"({bundle.FORMAT},", f"({bundle.FORMAT + 1},"),
    ],
)
def test_a_foreign_bundle_is_not_used(installed: Installed, mine: str, other: str) -> None:
    mark = bundle.mark(str(installed.root))
    assert mine.encode() in mark
    data = installed.path.read_bytes().removeprefix(mark)
    installed.path.write_bytes(mark.replace(mine.encode(), other.encode(), 1) + data)
    assert installed.run() == FILES


# ---------------------------------------------------------------- whose it is


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o777])
def test_a_bundle_that_others_may_write_to_is_not_used(installed: Installed, mode: int) -> None:
    installed.path.chmod(mode)
    assert installed.run() == FILES


def test_a_directory_that_all_may_write_to_is_not_trusted(installed: Installed) -> None:
    installed.venv.chmod(0o1777)
    assert installed.run() == FILES


def test_a_link_and_a_fifo_are_not_used(installed: Installed) -> None:
    real = installed.path.rename(installed.path.with_name("real"))
    installed.path.symlink_to(real)
    assert installed.run() == FILES
    installed.path.unlink(missing_ok=True)
    os.mkfifo(installed.path, 0o644)
    assert installed.run() == FILES


def test_whose_bundle_is_used(installed: Installed) -> None:
    if os.geteuid():
        pytest.skip("blocked: needs root (sudo make test)")
    os.chown(installed.path, 12345, 12345)
    os.chown(installed.venv, 12345, 12345)
    before = installed.path.read_bytes()
    assert installed.run() == FILES
    assert installed.path.read_bytes() == before, "root wrote in a directory of somebody else's"
    os.chown(installed.root / "minidocker", 12345, 12345)  # whose code it is anyway
    assert installed.run() == BUNDLE
    os.chown(installed.path, 0, 0)
    assert installed.run() == BUNDLE


def test_where_nothing_can_be_written_a_run_goes_on(installed: Installed) -> None:
    if os.geteuid() == 0:
        pytest.skip("blocked: root may write anywhere")
    installed.path.unlink()
    installed.venv.chmod(0o555)
    assert installed.run() == FILES
    assert not installed.path.exists()
    installed.venv.chmod(0o755)


# ---------------------------------------------------------------- the same as from the files

LOOK = """
import builtins, json, sys
kept = builtins.__import__
LEFT_OUT = {{"annotations", "__annotations__", "__cached__", "__builtins__"}}
{get}
assert builtins.__import__ is kept
def told(module):
    names = sorted(set(vars(module)) - LEFT_OUT)
    return [module.__file__, module.__package__, list(getattr(module, "__path__", [])), names]
ours = [name for name in sys.modules if name.split(".")[0] == "minidocker"]
print(json.dumps({{name: told(sys.modules[name]) for name in ours if ".make" not in name}}))
"""


def seen(installed: Installed, get: str) -> dict[str, object]:
    argv = [sys.executable, "-IS", "-c", LOOK.format(get=get)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_modules_are_as_importlib_makes_them(installed: Installed) -> None:
    root = str(installed.root)
    bundle.write(str(installed.path), bundle.build(root))
    begin = len(bundle.mark(root)) + 8
    loaded = (
        f"import marshal; data = open({str(installed.path)!r}, 'rb').read()[{begin}:]\n"
        "loader, stamps, modules = marshal.loads(data); exec(loader); assert load(stamps, modules)"
    )
    imported = f"sys.path.insert(0, {root!r})\n" + "\n".join(f"import {m}" for m in bundle.FIRST)
    assert seen(installed, loaded) == seen(installed, imported)


def test_each_module_comes_after_those_that_it_imports() -> None:
    order = bundle.in_order(str(ROOT))
    assert len(order) == len(set(order)) > 50
    for place, name in enumerate(order):
        for needed in bundle.imported(bundle.source(str(ROOT), name)):
            if needed in order:
                assert order.index(needed) < place or needed == name, f"{name} before {needed}"


def test_a_traceback_shows_the_sources_lines(installed: Installed) -> None:
    bundle.write(str(installed.path), bundle.build(str(installed.root)))
    launcher = installed.launcher.read_text().replace(
        LAST,
        "\nassert loaded\nfrom minidocker.plan import options\noptions.parse(3)",
    )
    done = subprocess.run(
        [sys.executable, "-IS", "-c", launcher, "run"], capture_output=True, text=True
    )
    file = installed.root / "minidocker" / "plan" / "options.py"
    found = re.search(rf'File "{file}", line (\d+), in parse\n    (.*)\n', done.stderr)
    assert found, done.stderr
    assert file.read_text().splitlines()[int(found[1]) - 1].strip() == found[2]


def test_stages_keep_the_words_that_explain_prints(installed: Installed) -> None:
    bundle.write(str(installed.path), bundle.build(str(installed.root)))
    before = installed.path.read_bytes()
    status, out = installed.run("--dry-run", "--rootfs", "/usr", "true")
    assert (status, installed.path.read_bytes()) == (0, before), installed.said
    words = (by_name("mounts").__doc__ or "").splitlines()[0].rstrip(".")
    assert words in re.sub(r"\x1b\[[0-9;]*m", "", out + installed.said)


def test_a_plain_run_loads_what_is_in_the_bundle_and_no_more(shared_store: Path) -> None:
    if os.geteuid():
        pytest.skip("blocked: needs root (sudo make test)")
    script = (
        "import os, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r}); sys.argv[1:] = ['run', '--rm', '--network', 'none', 'base', 'true']\n"
        "from minidocker.__main__ import main\n"
        "main()\n"
        "print(*(name for name in sys.modules if name.startswith('minidocker')))"
    )
    env = {**os.environ, "MINIDOCKER_ROOT": str(shared_store)}
    argv = [sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=env)
    assert set(done.stdout.split()) == set(bundle.in_order(str(ROOT)))


# ---------------------------------------------------------------- what it is for

MOST = 1.75  # instructions of a start up to the first line of `run`, in those of a bare Python
MOST_CALLS = 180  # system calls more than a bare Python; from the files they are 900


def starts(installed: Installed) -> tuple[list[str], list[str]]:
    """Return two command lines: a bare Python, and a start that ends before `run` does a thing."""
    before = installed.path.read_bytes()
    time.sleep(1.2)  # the sources were copied just now
    environment.quick_start()
    assert installed.path.read_bytes() != before
    script = installed.venv / "start.py"
    text = installed.launcher.read_text()
    assert text.count(LAST) == 1
    script.write_text(text.replace(LAST, "\nos._exit(not loaded)\n"))
    python = os.path.realpath(sys.executable)
    return [python, "-IS", "-c", "pass"], [python, "-IS", str(script), "run"]


def instructions(argv: list[str]) -> int:
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*valgrind, *argv], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found, done.stderr
    return int(found[1])


def calls(argv: list[str]) -> int:
    done = subprocess.run(["strace", "-qq", *argv], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return len(done.stderr.splitlines())


def test_a_start_costs_few_instructions(installed: Installed) -> None:
    if not shutil.which("valgrind"):
        pytest.skip("blocked: needs valgrind (apt-get install valgrind)")
    bare, start = starts(installed)
    # Sets are in another order each time, and with them the count: by up to one in a hundred.
    ratio = min(instructions(start) / instructions(bare) for _ in range(3))
    assert ratio <= MOST, f"{ratio:.3f} times a bare Python"


def test_a_start_makes_few_system_calls(installed: Installed) -> None:
    if not shutil.which("strace"):
        pytest.skip("blocked: needs strace (apt-get install strace)")
    bare, start = starts(installed)
    assert calls(start) - calls(bare) <= MOST_CALLS


# ---------------------------------------------------------------- the runtime's


def test_the_runtime_takes_the_bundle_of_its_verb(installed: Installed) -> None:
    """Its verbs that Podman waits for are quick; the others, and any without a bundle, are right."""
    runtime = installed.launcher.with_name("minidocker-runtime")

    def call(*words: str) -> tuple[int, str]:
        argv = [runtime, "--root", installed.venv / "none", *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout or done.stderr

    cheat = CHEAT.replace("start(*_)", "runtime_only(*_)")
    loader, stamps, modules = installed.parts()
    code = compile(cheat, "cheat", "exec")
    parts = loader, stamps, [
        (*rest, code if rest[0] == "minidocker.__main__" else own) for *rest, own in modules
    ]  # fmt: skip
    places = {verb: environment.bundle_of(kind) for verb, kind in environment.VERBS.items()}
    for place in set(places.values()):
        bundle.write(place, bundle.pack(str(installed.root), *parts))
    for verb in places:
        assert call(verb, "box") == BUNDLE
    assert call("list", "--quiet") == (0, "")
    os.unlink(places["start"])
    status, said = call("start", "box")
    assert status == 1 and "container does not exist: box" in said


@pytest.mark.parametrize("kind", bundle.KINDS)
def test_each_kind_of_bundle_can_be_built(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "SETTLED", 0)
    data = bundle.build(str(ROOT), kind)[len(bundle.mark(str(ROOT))) + 8 :]
    names = [name for name, *_ in marshal.loads(data)[2]]
    assert set(bundle.KINDS[kind]) <= set(names)
