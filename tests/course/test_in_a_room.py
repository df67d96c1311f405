"""Notebooks in a room: their kernel is root there, and nothing is left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

WHY = "blocked: the notebooks need Jupyter (make setup)"
pytest.importorskip("nbclient", reason=WHY)

from minidocker.course import manifest  # noqa: E402  (after importorskip, on purpose)
from minidocker.lab import jupyter  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]
UID = 54321
FIRST = ("01",)  # the others take minutes: make test-more
LESSONS = [
    pytest.param(lesson.number, marks=[] if lesson.number in FIRST else pytest.mark.more)
    for lesson in manifest.load(REPOSITORY).lessons
]
pytestmark = pytest.mark.needs("root", "userns", "overlay", "iproute2", "nft")

# Runs a notebook as it lies in the course, which the room shows read-only, and says what happened.
RUN = """
import json, os, sys
import jupyter_client, nbclient, nbformat
from jupyter_core.utils import run_sync
book = nbformat.read(sys.argv[1], as_version=4)
kernel = jupyter_client.AsyncKernelManager(  # as Jupyter's server has it
    kernel_name="python3", transport="ipc",
    connection_file=os.path.join(os.environ["JUPYTER_RUNTIME_DIR"], "kernel.json"))
nbclient.NotebookClient(
    book, km=kernel, timeout=300, allow_errors=True, coalesce_streams=True,
    resources={"metadata": {"path": os.path.dirname(sys.argv[1])}}).execute()
run_sync(kernel.shutdown_kernel)(now=True)
failed, blocked = {}, []
for cell in book.cells:
    for output in cell.get("outputs", ()):
        if output.output_type == "error":
            failed[cell.id] = f"{output.ename}: {output.evalue}"
        if output.get("text", "").startswith("blocked"):
            blocked.append(cell.id)
print(json.dumps([failed, blocked]))
"""


@pytest.fixture(params=[UID, 0], ids=["an ordinary user", "root"])
def user(request: pytest.FixtureRequest) -> int:
    """Whose room it is."""
    return int(request.param)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, user: int) -> Iterator[dict[str, str]]:
    """The environment of a user whose kernels are those that `make learn` writes."""
    folder = Path(tempfile.mkdtemp(prefix="mdroom", dir="/tmp"))  # a socket's path is short
    programs = folder / "bin"
    programs.mkdir()
    command = programs / "minidocker"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m minidocker "$@"\n')
    command.chmod(0o755)
    monkeypatch.setattr(jupyter, "VENV", str(folder))
    monkeypatch.setattr(jupyter, "ROOT", str(folder))
    (folder / "run").mkdir(0o700)
    share = jupyter.room_kernel(str(folder / "run"))
    spec = Path(share, "kernels", "python3", "kernel.json")  # the room shows no .venv of this folder
    spec.write_text(spec.read_text().replace(f"{programs}/python", sys.executable))
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user)
    yield {
        "HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY),
        "JUPYTER_PATH": share, "JUPYTER_RUNTIME_DIR": str(folder / "run"), "NO_COLOR": "1",
    }  # fmt: skip
    shutil.rmtree(folder)


@pytest.mark.parametrize("number", LESSONS)
def test_a_notebook_runs_in_a_room(number: str, kernel: dict[str, str], user: int) -> None:
    path = REPOSITORY / manifest.load(REPOSITORY).lesson(number).notebook
    before = path.read_bytes()
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    done = subprocess.run(
        [*become, sys.executable, "-c", RUN, str(path)], env=kernel, capture_output=True, text=True,
        timeout=300, cwd="/", stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    failed, blocked = json.loads(done.stdout.splitlines()[-1])
    assert failed == {}
    if number in FIRST:
        assert blocked == []
    assert path.read_bytes() == before
