"""What the test in the browser needs: a copy of the course, JupyterLab on it, and Chromium."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from minidocker.course import manifest
from minidocker.lab import jupyter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 90_000  # milliseconds for one step in the browser, on a slow machine
FLAGS = [
    "--no-sandbox",  # it refuses to start as root with one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def lacking(reason: str) -> NoReturn:
    """Report a test as blocked; where CI could have installed what it lacks, as failed."""
    if os.environ.get("CI") and os.geteuid() == 0 and shutil.which("apt-get"):
        pytest.fail(f"{reason}: `make test` should have installed it", pytrace=False)
    pytest.skip(f"blocked: {reason}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium."""
    if importlib.util.find_spec("playwright") is None:
        lacking("no playwright (make test installs it)")
    return shutil.which("chromium") or lacking(
        "no Chromium (sudo apt-get install --no-install-recommends chromium)"
    )


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Path]:
    """A copy of the course as a new learner has it; afterwards nothing runs that knows it."""
    folder = tmp_path / "course"
    for name in ("notebooks", "exercises", "solutions", manifest.FOLDER):
        shutil.copytree(REPOSITORY / name, folder / name)
    (folder / "tests").symlink_to(REPOSITORY / "tests")
    yield folder
    limit = time.monotonic() + 20  # the browser's helpers end a little after the browser
    while (left := users_of(str(tmp_path))) and time.monotonic() < limit:
        time.sleep(0.2)
    assert left == []


def users_of(word: str) -> list[str]:
    """The other processes with this word in their command line or environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes()
            known = command + (entry / "environ").read_bytes()
        except OSError:
            continue
        if word.encode() in known:
            found.append(f"{entry.name} {command.replace(bytes(1), b' ').decode(errors='replace')}")
    return found


@pytest.fixture
def address(
    course: Path, shared_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[str]:  # fmt: skip
    """The address that `make learn` prints, while JupyterLab runs on the copy."""
    shutil.copytree(shared_store, tmp_path / "store", symlinks=True)
    for name, value in {
        "HOME": tmp_path / "home",
        "MINIDOCKER_ROOT": tmp_path / "store",
        "PYTHONPATH": REPOSITORY,
        "MINIDOCKER_NO_ROOM": "1",  # a room shows the course of its package: that is no copy
    }.items():
        monkeypatch.setenv(name, str(value))
    for name in list(os.environ):
        if name.startswith(("JUPYTER", "IPYTHON", "MINIDOCKER_COURSE", "MINIDOCKER_EXERCISES")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(jupyter, "ROOT", str(course))
    monkeypatch.setattr(jupyter, "VENV", sys.prefix)
    monkeypatch.setattr(jupyter, "has_screen", lambda: False)
    with jupyter.running_lab():
        found = re.search(r"http://127\.0\.0\.1:\S+", capsys.readouterr().out)
        assert found, "no address was printed"
        yield found[0]


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where the pictures of the pages go: never into git."""
    folder = Path(os.environ.get("MINIDOCKER_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium, which playwright drives."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=PATIENCE)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture
def page(browser: Browser, address: str, screenshots: Path) -> Iterator[Page]:
    """A fresh tab that shows the address; its last state is kept as a picture."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    try:
        tab.goto(address)
        yield tab
    finally:
        tab.screenshot(path=screenshots / "last.png")
        print(f"screenshots: {screenshots}")
