"""A real Debian: everything of it comes through the import, beside GNU tar."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from debian_tar import debian_tar

from minidocker.course import exercise_file
from minidocker.course.manifest import load
from minidocker.images.store.store import Store
from minidocker.plan.learner import adopted
from minidocker.stages import choose

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.needs("root")


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, str]:
    """The store, and the directory of the one layer."""
    root = tmp_path_factory.mktemp("debian") / "store"
    subprocess.run(
        [sys.executable, "-m", "minidocker", "image", "import", "debian", debian_tar()],
        env={**os.environ, "MINIDOCKER_ROOT": str(root)}, cwd=REPOSITORY, check=True,
    )  # fmt: skip
    store = Store(str(root))
    return store, store.resolve("debian").layers[0]


def test_the_digest_is_that_of_the_file(imported: tuple[Store, str]) -> None:
    with open(debian_tar(), "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    assert imported[1].endswith(f"/layers/sha256/{digest}/fs")


def test_gnu_tar_finds_no_difference(imported: tuple[Store, str]) -> None:
    """`tar --compare` looks at kinds, modes, numeric owners, times, links, devices and contents."""
    command = ["tar", "--compare", "--numeric-owner", "-C", imported[1], "-f", debian_tar()]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == done.stderr == ""
    assert done.returncode == 0


def test_nothing_was_added(imported: tuple[Store, str]) -> None:
    listed = subprocess.check_output(["tar", "-tf", debian_tar()], text=True).splitlines()
    told = {os.path.normpath(name) for name in listed}
    found = {"."}
    for folder, folders, files in os.walk(imported[1]):
        found |= {
            os.path.relpath(os.path.join(folder, name), imported[1]) for name in folders + files
        }
    assert found == told


def test_setuid_programs_devices_and_links_are_there(imported: tuple[Store, str]) -> None:
    root = Path(imported[1])
    assert (root / "usr/bin/su").stat().st_mode & 0o7777 == 0o4755
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert os.readlink(root / "bin") == "usr/bin"
    assert (root / "usr/bin/perl").stat().st_nlink == 2
    shadow = (root / "etc/shadow").stat()
    assert (shadow.st_uid, shadow.st_gid, shadow.st_mode & 0o7777) == (0, 42, 0o640)
    if (root / "dev/null").exists():
        assert (root / "dev/null").stat().st_rdev == os.makedev(1, 3)


def test_its_programs_run(imported: tuple[Store, str]) -> None:
    script = "bash -c 'echo $BASH_VERSION'; apt-get --version | head -1; python3 -Bc 'print(6 * 7)'"
    told = subprocess.check_output(
        ["chroot", imported[1], "/bin/sh", "-c", script],
        text=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    assert re.fullmatch(r"5\.\S+\napt 2\.\S+ .*\n42\n", told)


FIRST_HALF = ("01", "02", "03", "04", "05")


@pytest.fixture
def learner(tmp_path: Path) -> Path:
    """Exercises of one who has finished lessons 01 to 05 and not begun the others."""
    course = load()
    for lesson in course.lessons:
        solved = (REPOSITORY / "solutions" / lesson.file).read_text()
        text = solved if lesson.number in FIRST_HALF else exercise_file.starter(course, lesson)
        (tmp_path / lesson.file).write_text(text)
    return tmp_path


@pytest.mark.needs("pidns", "mntns", "overlay")
def test_a_learners_own_parts_run_a_real_debian(
    imported: tuple[Store, str], learner: Path
) -> None:
    """`run --mine debian bash` at a terminal, with every part that lessons 01 to 05 ask for."""
    env = {"MINIDOCKER_ROOT": imported[0].root, "MINIDOCKER_EXERCISES": str(learner)}
    line = [sys.executable, "-m", "minidocker", "run", "-it", "--rm", "--mine", "debian", "bash"]
    session = pexpect.spawn(
        line[0], line[1:], env={**os.environ, **env, "TERM": "dumb"}, cwd=REPOSITORY,
        encoding="utf-8", echo=False, timeout=60,
    )  # fmt: skip
    for question, answer in (
        ("echo pid $$", "pid 1"),
        ("grep -c . /proc/self/mountinfo | sed 's/^/mounts /'", r"mounts \d+"),
        ("head -c 2 /etc/debian_version; echo ' is the release'", "12 is the release"),
        ("python3 -c 'print(6 * 7, \"from its own Python\")'", "42 from its own Python"),
    ):
        session.sendline(question)
        session.expect(answer)
    session.sendline("exit 9")
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 9


def test_every_part_of_the_first_half_is_then_the_learners(
    learner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIDOCKER_EXERCISES", str(learner))
    whose = {
        (stage.name, part): os.path.basename(file)
        for stage in adopted(choose(), {"mine": True}) for part, file in stage.origin.items()
    }  # fmt: skip
    assert whose == {
        (function.stage, function.name): lesson.file
        for lesson in load().lessons if lesson.number in FIRST_HALF
        for function in lesson.functions if function.stage
    }  # fmt: skip


SERVER = """\
import os, socket
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    caller, _ = server.accept()
    caller.recv(9999)
    caller.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nhello from " + os.environ["WHO"].encode())
    caller.close()
"""
CLIENT = """\
import os, socket, time
while True:
    try:
        server = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
server.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
print(b"".join(iter(lambda: server.recv(999), b"")).split(b"\\r\\n\\r\\n")[1].decode())
"""
DOCKERFILE = """\
# syntax=docker/dockerfile:1
FROM debian AS compiled
WORKDIR /src
COPY . .
RUN python3 -m compileall -b -q . && rm *.py && ls
FROM debian
ENV WHO=minidocker PORT=8080
RUN useradd --system --shell /bin/false web
COPY --from=compiled --chown=web /src /srv
USER web
EXPOSE 8080
HEALTHCHECK CMD python3 /srv/client.pyc
CMD ["python3", "/srv/server.pyc"]
"""


def test_a_web_program_is_built_in_two_stages(imported: tuple[Store, str], tmp_path: Path) -> None:
    env = {**os.environ, "MINIDOCKER_ROOT": imported[0].root}
    for name, text in {"server.py": SERVER, "client.py": CLIENT, "Dockerfile": DOCKERFILE}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / ".dockerignore").write_text("Dockerfile\n")

    def call(*words: str) -> str:
        argv = [sys.executable, "-m", "minidocker", *words]
        done = subprocess.run(argv, env=env, cwd=REPOSITORY, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("build", "--network", "none", "-t", "web", str(tmp_path))
    both = "id -un; ls /srv; python3 /srv/server.pyc & python3 /srv/client.pyc; kill $!"
    said = call("run", "--rm", "--network", "none", "web", "sh", "-c", both)
    assert said.split() == ["web", "client.pyc", "server.pyc", "hello", "from", "minidocker"]
