"""pyproject.toml, environment.yml, the Makefile and the set-up tell one story."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from minidocker import bootstrap
from minidocker.lab import desk, jupyter
from minidocker.make import environment, packages, running

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    with open(ROOT / "pyproject.toml", "rb") as data:
        return tomllib.load(data)


def name_of(requirement: str) -> str:
    """Return the package's name in a requirement such as "rich>=13"."""
    found = re.match(r"[A-Za-z0-9_-]+", requirement)
    assert found, requirement
    return found[0].lower()


def conda_packages() -> set[str]:
    """Return the names that environment.yml lists, conda's and pip's."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    items = re.findall(r"^\s*- (?!conda-forge)(.+?):?$", text, re.MULTILINE)
    return {item if item.startswith("-e") else name_of(item) for item in items}


def test_conda_brings_what_a_learner_needs_and_no_more(project: dict[str, Any]) -> None:
    core = {name_of(entry) for entry in project["project"]["dependencies"]}
    learn = {name_of(entry) for entry in project["project"]["optional-dependencies"]["learn"]}
    assert conda_packages() == core | learn | {"python", "pip", "-e ."}


def test_conda_python_is_one_that_the_package_accepts(project: dict[str, Any]) -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    conda = re.search(r"python=(\d+)\.(\d+)", text)
    oldest = re.fullmatch(r">=(\d+)\.(\d+)", project["project"]["requires-python"])
    assert conda and oldest
    assert tuple(map(int, conda.groups())) >= tuple(map(int, oldest.groups()))
    assert tuple(map(int, oldest.groups())) == environment.OLDEST


def test_each_extra_holds_the_one_before(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    assert "minidocker[learn]" in extras["test"]
    assert "minidocker[test]" in extras["dev"]
    assert environment.everything_in("test") == ["learn", "test"]
    assert environment.everything_in("dev,learn") == ["learn", "test", "dev"]


def test_the_console_script_exists(project: dict[str, Any]) -> None:
    module, function = project["project"]["scripts"]["minidocker"].split(":")
    code = f"import {module} as m; assert callable(m.{function})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_an_editable_install_is_a_plain_path(project: dict[str, Any]) -> None:
    # Anything else makes setuptools install an import hook, paid at every start.
    assert project["tool"]["setuptools"]["package-dir"] == {"": "."}


def test_each_linter_exception_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    codes = [line for line in lines if re.match(r'\s+"[A-Z]+\d+",', line)]
    assert codes
    assert [line for line in codes if "#" not in line] == []


def test_make_offers_the_commands_that_the_set_up_knows() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    offered = set(re.findall(r"make ([\w-]+)\t", done.stdout)) - {"help"}
    assert offered == set(bootstrap.COMMANDS)


def test_ci_runs_what_a_person_runs() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert re.search(r"make .*\btest\b", text)
    assert os.access(script, os.X_OK)


# ---------------------------------------------------------------- the set-up itself


def test_set_up_needs_only_the_standard_library() -> None:
    bare = [sys.executable, "-I", "-S", str(ROOT / "minidocker" / "bootstrap.py")]
    done = subprocess.run(bare, capture_output=True, text=True)
    assert done.returncode == 2
    assert "learn|setup|update|test" in done.stdout


def test_a_python_too_old_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\necho /usr/bin/python3.9 3 9\n")
    old.chmod(0o755)
    monkeypatch.setenv("PYTHON", str(old))
    with pytest.raises(running.Trouble, match=r"3\.11 or newer; .*is 3\.9") as trouble:
        environment.interpreter()
    assert "PYTHON=" in trouble.value.remedy


def test_a_python_behind_a_script_is_resolved_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "python3"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PYTHON", str(shim))
    base = getattr(sys, "_base_executable", sys.executable)
    assert environment.interpreter() == os.path.realpath(base)


def test_missing_packages_are_told_from_present_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"bash": "bash", "no-such-package-anywhere": "no-such-program-anywhere"}
    assert packages.missing_packages(wanted) == ["no-such-package-anywhere"]
    path = os.environ["PATH"]  # and on a machine without dpkg
    which = packages.shutil.which
    monkeypatch.setattr(
        packages.shutil,
        "which",
        lambda name, path=path: None if name == "dpkg-query" else which(name, path=path),
    )
    assert packages.missing_packages(wanted) == ["no-such-package-anywhere"]


def test_without_root_the_line_that_installs_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages.platform, "system", lambda: "Linux")
    monkeypatch.setattr(packages.shutil, "which", lambda name, path="": "/usr/bin/" + name)
    monkeypatch.setattr(packages, "missing_packages", lambda wanted: ["strace", "procps"])
    packages.packages(running.Screen(1), {})
    assert "sudo apt-get install strace procps" in capsys.readouterr().out


def test_a_failing_step_shows_the_log_and_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    screen, log = running.Screen(1), str(tmp_path / "log")
    screen.begin("something")
    argv = ["sh", "-c", "echo the reason >&2; exit 3"]
    with pytest.raises(running.Trouble, match="something failed") as trouble:
        running.must(argv, screen, log, "something", "do this")
    assert "the reason" in capsys.readouterr().out
    assert trouble.value.remedy == "do this"
    assert "the reason" in Path(log).read_text(encoding="utf-8")


def test_the_launcher_starts_minidocker_quickly_and_wholly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "tree" / "minidocker"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copy(ROOT / "minidocker" / "__main__.py", package)
    (package / "cli.py").write_text(
        "import sys\ndef main(argv):\n    print('site' in sys.modules, *argv)\n    return 7\n"
    )
    binaries = tmp_path / "venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(sys.executable)
    monkeypatch.setattr(environment, "VENV", str(tmp_path / "venv"))
    monkeypatch.setattr(environment, "ROOT", str(tmp_path / "tree"))
    environment.write_launcher()
    for argv, said in ((["run", "a b"], "False run a b"), (["grade"], "True grade")):
        done = subprocess.run([binaries / "minidocker", *argv], capture_output=True, text=True)
        assert (done.returncode, done.stdout.strip()) == (7, said)
    runtime = [binaries / "minidocker-runtime", "--root", "x y", "state"]
    done = subprocess.run(runtime, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (7, "False oci --root x y state")


def test_a_taken_port_is_passed_over() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert jupyter.free_port(port) > port


def test_jupyterlab_listens_here_only_and_its_token_is_no_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")  # no browser could open
    argv, env = jupyter.lab_command(8901, "secret", "/tmp/runtime")
    assert {"--ip=127.0.0.1", "--port=8901", "--allow-root", "--no-browser"} <= set(argv)
    assert f"--LabApp.default_url={jupyter.FIRST}" in argv
    assert f"/lab/workspaces/{desk.name('00')}" == jupyter.FIRST
    assert env["MINIDOCKER_LAB_URL"] == "http://127.0.0.1:8901"
    assert not any("secret" in word for word in argv)
    assert env["JUPYTER_TOKEN"] == "secret"
    assert env["PATH"].split(os.pathsep)[0] == os.path.join(environment.VENV, "bin")


def test_jupyterlab_finds_the_settings_of_the_course_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/their/own")
    _, env = jupyter.lab_command(8901, "secret", str(tmp_path))
    assert env["JUPYTER_CONFIG_PATH"] == f"{jupyter.CONFIG}{os.pathsep}/their/own"
    path = Path(jupyter.CONFIG, "labconfig", "default_setting_overrides.json")
    settings = json.loads(path.read_text(encoding="utf-8"))
    assert settings["@jupyterlab/notebook-extension:tracker"]["autoStartDefaultKernel"] is True
    assert Path(jupyter.CONFIG, "jupyter_server_config.py").is_file()


def test_the_lab_machines_jupyterlab_has_the_same_settings_and_kernels_of_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the machine's unit runs; tests/vm run a notebook by it."""
    outside, told = "http://127.0.0.1:8899", []
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("MINIDOCKER_LAB_URL", outside)
    monkeypatch.setenv("JUPYTER_TOKEN", "secret")
    monkeypatch.setattr(jupyter.os, "execve", lambda *words: told.extend(words))
    jupyter.in_lab_machine()
    program, argv, env = told
    assert program == argv[0] == os.path.join(sys.prefix, "bin", "jupyter")
    assert {"--ip=0.0.0.0", "--port=8888", "--KernelManager.transport=tcp"} <= set(argv)
    ours, usual = jupyter.lab_command(8888, "secret", str(tmp_path))
    assert len(set(ours[1:]) - set(argv)) == 2  # where it listens, the way to kernels
    assert {name for name in usual if env[name] != usual[name]} <= {
        "MINIDOCKER_LAB_URL", "VIRTUAL_ENV", "PATH"}  # fmt: skip
    assert env["MINIDOCKER_LAB_URL"] == outside
    assert jupyter.address() == f"{outside}{jupyter.FIRST}?token=secret"
    spec = json.loads((Path(env["JUPYTER_PATH"]) / "kernels/python3/kernel.json").read_text())
    guest = ROOT / "guest/course"
    assert spec["argv"] == ["minidocker-kernel", "-f", "{connection_file}"]
    assert (guest / "usr/local/bin" / spec["argv"][0]).is_file()
    unit = (guest / "etc/systemd/system/minidocker-lab.service").read_text()
    assert "/bin/python -m minidocker.lab.jupyter\n" in unit and "User=learner" in unit


def test_a_package_that_the_release_lacks_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[str]] = []
    known = " strace | 6.1-0.1 | http://deb.debian.org/debian bookworm/main amd64 Packages"

    def ask(argv: list[str]) -> str:  # dpkg is well, apt knows no chromium
        return known if argv[:2] == ["apt-cache", "madison"] and "strace" in argv else ""

    monkeypatch.setattr(packages, "ask", ask)
    monkeypatch.setattr(packages, "must", lambda argv, *rest, **env: told.append(list(argv)))
    screen, log = running.Screen(1), str(tmp_path / "log")
    assert packages.install(["chromium", "strace"], screen, log) == ["strace"]
    assert packages.install(["chromium"], screen, log) == []
    installs = [argv for argv in told if "install" in argv]
    assert [argv[-1] for argv in installs] == ["strace"]
    assert "chromium" not in installs[0]


def test_a_step_that_is_stopped_leaves_nothing_running(tmp_path: Path) -> None:
    class Stopped(running.Screen):
        def tick(self, word: str) -> None:
            raise KeyboardInterrupt

    pid = tmp_path / "pid"
    argv = ["sh", "-c", f"echo $$ > {pid}; echo; sleep 600"]
    with pytest.raises(KeyboardInterrupt):
        running.run(argv, Stopped(1), str(tmp_path / "log"))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.parametrize("uid", [0, 1000])
@pytest.mark.parametrize(("status", "room"), [(0, True), (1, False)])
def test_kernels_live_in_a_room_where_there_can_be_one(
    uid: int, status: int, room: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    command = tmp_path / "bin" / "minidocker"
    command.parent.mkdir()
    command.write_text(f"#!/bin/sh\necho refused >&2; exit {status}\n")
    command.chmod(0o755)
    monkeypatch.setattr(jupyter, "VENV", str(tmp_path))
    monkeypatch.setattr(jupyter, "ROOT", str(tmp_path))
    monkeypatch.delenv("MINIDOCKER_NO_ROOM", raising=False)
    monkeypatch.setattr(jupyter, "LAB_MARKER", str(tmp_path / "not here"))
    monkeypatch.setattr(jupyter.os, "geteuid", lambda: uid)
    assert jupyter.wants_room(str(tmp_path)) is room
    told = capsys.readouterr().out
    assert ("refused" in told) is not room
    assert ("terminals are outside" in told and "make learn MINIDOCKER_NO_ROOM=1" in told) is room
    assert ("Change Kernel" in told) is (room and not uid)
    assert ("as root: take care" in told) is (not room and not uid)
    monkeypatch.setenv("MINIDOCKER_NO_ROOM", "1")
    assert not jupyter.wants_room(str(tmp_path))
    share = jupyter.room_kernel(str(tmp_path / "run"))
    spec = json.loads(Path(share, "kernels", "python3", "kernel.json").read_text())
    assert spec["argv"][:4] == [str(command), "room", "--share", str(tmp_path / "run")]
    assert spec["interrupt_mode"] == "message"
    assert os.path.exists(f"{share}/kernels/machine/kernel.json") is (uid == 0)
    monkeypatch.delenv("MINIDOCKER_NO_ROOM")
    monkeypatch.setattr(jupyter, "LAB_MARKER", str(tmp_path))
    assert not jupyter.wants_room(str(tmp_path))  # a machine that can be lost
