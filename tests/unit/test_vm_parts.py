"""Parts of the lab machine that need no machine."""

from __future__ import annotations

import dataclasses
import fcntl
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from minidocker import cli
from minidocker.course.manifest import load
from minidocker.doctor import lab_arch
from minidocker.errors import Blocked, Conflict, MinidockerError, NotFound, UsageError
from minidocker.vm import (
    accel,
    build,
    cost,
    course,
    host_state,
    machine,
    places,
    qemu,
    reached,
    remote,
    vagrant,
)
from minidocker.vm.phases import Phases, blame
from minidocker.vm.ssh import Ssh

TCG = accel.Accelerator("tcg", "a test")


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches and machines of this test alone."""
    monkeypatch.setenv("MINIDOCKER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MINIDOCKER_VM", str(tmp_path / "vm"))
    for name in ("ACCEL", "ARCH", "CPUS", "MEMORY", "SUITE"):
        monkeypatch.delenv(f"MINIDOCKER_{name}", raising=False)
    return tmp_path


# --- the course --------------------------------------------------------------------------


def test_the_archive_holds_the_course_and_no_leavings(tmp_path: Path) -> None:
    for name in ("minidocker/a.py", "minidocker/__pycache__/a.pyc", ".git/x", ".venv/x", "b/c.py",
                 ".minidocker/progress.jsonl", "x.egg-info/y", "vm/run.sh"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "vm/run.sh").chmod(0o700)
    with tarfile.open(fileobj=io.BytesIO(course.archive(tmp_path))) as tar:
        members = {member.name: member for member in tar}
    assert sorted(members) == ["b/c.py", "minidocker/a.py", "vm/run.sh"]
    assert {member.uid for member in members.values()} == {0}
    assert (members["vm/run.sh"].mode, members["b/c.py"].mode) == (0o755, 0o644)


def test_the_digest_sees_every_change(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    seen = {course.digest(tmp_path)}
    (tmp_path / "a").write_text("2")
    seen.add(course.digest(tmp_path))
    (tmp_path / "a").chmod(0o755)
    seen.add(course.digest(tmp_path))
    (tmp_path / "a").rename(tmp_path / "b")
    seen.add(course.digest(tmp_path))
    assert len(seen) == 4


def test_the_real_course_is_small_and_whole() -> None:
    names = set(course.files())
    assert {"guest/provision.sh", "minidocker/course/lessons/course.toml", "minidocker/cli.py", "Vagrantfile"} <= names
    assert len(course.archive()) < 20 << 20
    for room in (places.COURSE / "minidocker").iterdir():  # minidocker/build is no leaving of a tool
        if any(room.glob("*.py")):
            assert any(name.startswith(f"minidocker/{room.name}/") for name in names), room
    assert "/build/" in (places.COURSE / "Vagrantfile").read_text().split("tools = ")[1].split("]")[0]


# --- the box -----------------------------------------------------------------------------


def test_the_recipe_changes_with_what_a_box_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    first = build.recipe("bookworm")
    assert first == build.recipe("bookworm")
    assert first != build.recipe("trixie")
    monkeypatch.setattr(build, "requirements", lambda: ["rich", "one more"])
    assert first != build.recipe("bookworm")


def test_requirements_are_those_of_the_project() -> None:
    assert any(line.startswith("jupyter") for line in build.requirements())
    assert not any(line.startswith("minidocker") for line in build.requirements())


def test_a_suite_without_a_recipe_is_refused() -> None:
    with pytest.raises(MinidockerError, match="no recipe for Debian sarge"):
        build.build("sarge")


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.lab_probe, "TO_BUILD", {"no-such-program": "its-package"})
    with pytest.raises(Blocked, match="its-package"):
        build.build()


def test_up_asks_for_all_that_it_will_want_before_it_builds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It once built for nine minutes, and missed qemu-system then."""
    monkeypatch.setattr(build.lab_probe, "to_boot", lambda: {"no-such-qemu": "its-qemu"})
    monkeypatch.setattr(build.lab_probe, "TO_BUILD", {"no-such-program": "its-package"})
    monkeypatch.setattr(build, "_build", lambda *_: pytest.fail("it built"))
    with pytest.raises(Blocked, match="its-package, its-qemu") as caught:
        machine.Machine().up()
    assert caught.value.remedy.endswith(
        "apt-get install --no-install-recommends its-package its-qemu"
    )


def test_with_a_box_it_asks_for_what_boots_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.lab_probe, "to_boot", lambda: {"no-such-qemu": "its-qemu"})
    monkeypatch.setattr(build.lab_probe, "TO_BUILD", {"no-such-program": "its-package"})
    monkeypatch.setattr(build, "find", lambda suite: "a box")
    with pytest.raises(Blocked, match=r"starting the lab machine needs its-qemu$"):
        build.need_to_boot("bookworm")


def test_no_room_is_one_sentence_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, own_places: Path
) -> None:
    monkeypatch.setattr(build, "need_programs", lambda: None)
    monkeypatch.setattr(build.shutil, "disk_usage", lambda _: _Room)
    with pytest.raises(MinidockerError, match="1 MB free") as caught:
        build.build()
    assert "MINIDOCKER_CACHE" in caught.value.remedy
    assert [path.name for path in (own_places / "cache").iterdir()] == ["lock"]


class _Room:
    free = 1 << 20


def test_a_build_that_fails_or_is_stopped_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, own_places: Path
) -> None:
    monkeypatch.setattr(build, "need_programs", lambda: None)

    def broken(suite: str, work: Path, phases: Phases, cache: Path) -> None:
        (work / "disk.raw").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "_make", broken)
    with pytest.raises(KeyboardInterrupt):
        build.build()
    left = sorted(path.name for path in (own_places / "cache").iterdir())
    assert left == ["build-bookworm.log", "lock"]


def test_what_a_killed_build_left_is_removed_by_the_next(own_places: Path) -> None:
    (own_places / "cache/building-dead/tree").mkdir(parents=True)
    with build.alone() as cache:
        assert [path.name for path in cache.iterdir()] == ["lock"]


@pytest.mark.needs("root", "mntns")
def test_a_tree_with_a_mount_in_it_is_not_removed(tmp_path: Path) -> None:
    """rm -r through a forgotten bind mount of /dev would remove the host's."""
    (tmp_path / "tree/dev").mkdir(parents=True)
    script = (
        f"import sys; sys.path.insert(0, {str(places.COURSE)!r})\n"
        "from pathlib import Path\nfrom minidocker.errors import MinidockerError\n"
        "from minidocker.vm import build\n"
        f"try:\n    build.remove_tree(Path({str(tmp_path / 'tree')!r}))\n"
        "except MinidockerError as problem:\n    print(problem)\n"
    )
    line = f'mount -t tmpfs x {tmp_path}/tree/dev && touch {tmp_path}/tree/dev/null && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", line, "sh", sys.executable, "-I", "-c", script],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "something is mounted" in done.stdout, done.stderr


def box_of(directory: Path) -> Path:
    """Lay a box there that is small and whole."""
    directory.mkdir(parents=True)
    (directory / "disk.qcow2").write_bytes(b"disk")
    facts = {"suite": "bookworm", "kernel_version": "6.1", "course": "c", "seconds": 1.0,
             "sizes": {"disk.qcow2": 4}}  # fmt: skip
    (directory / "box.json").write_text(json.dumps(facts))
    return directory


def test_a_box_cut_short_is_no_box(own_places: Path) -> None:
    directory = own_places / "cache" / f"box-bookworm-{build.recipe('bookworm')}"
    box_of(directory)
    whole = (directory / "box.json").read_text()
    assert build.find("bookworm") is not None
    (directory / "disk.qcow2").write_bytes(b"dis")
    assert build.find("bookworm") is None
    (directory / "disk.qcow2").write_bytes(b"disk")
    for text in ('{"suite": "book', whole.replace('"sizes"', '"older"')):
        (directory / "box.json").write_text(text)
        assert build.find("bookworm") is None


def test_a_full_disk_is_said_before_anything_is_made(
    own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build.shutil, "disk_usage", lambda path: SimpleNamespace(free=9 << 20))
    monkeypatch.setattr(build, "need_programs", lambda: None)
    cache = own_places / "cache"
    with pytest.raises(MinidockerError, match="has 9 MB free, and building a box takes 4096 MB"):
        build.build("bookworm")
    assert [path.name for path in cache.iterdir()] == ["lock"]
    box_of(cache / f"box-bookworm-{build.recipe('bookworm')}")
    box = build.find("bookworm")
    assert box is not None
    with pytest.raises(MinidockerError, match="a box file for Vagrant takes 1024 MB"):
        build.pack(box)
    assert sorted(path.name for path in box.directory.iterdir()) == ["box.json", "disk.qcow2"]


def test_a_box_file_that_vagrant_cannot_read_is_packed_again(
    own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box_of(own_places / "cache" / f"box-bookworm-{build.recipe('bookworm')}")
    box = build.find("bookworm")
    assert box is not None
    box.vagrant.write_bytes(b"half")
    read: list[bytes] = []

    class Vagrant(Phases):
        def run(self, argv: Any, *_: Any, **__: Any) -> str:
            read.append(Path(argv[-1]).read_bytes())
            if read[-1] != b"whole":
                raise MinidockerError("vagrant failed: it cannot be unpacked")
            return ""

    def pack(box: build.Box) -> Path:
        if not box.vagrant.exists():
            box.vagrant.write_bytes(b"whole")
        return box.vagrant

    monkeypatch.setattr(build, "pack", pack)
    vagrant._add(box, "minidocker/x", Vagrant())
    assert read == [b"half", b"whole"]


# --- QEMU --------------------------------------------------------------------------------


def settings(directory: Path) -> qemu.Settings:
    return qemu.Settings(
        "minidocker-test", Path("/k"), Path("/i"), directory / "disk.qcow2", directory, TCG, 2,
        1024, {22: 2222, 8888: 8889},
    )  # fmt: skip


def test_the_machine_is_cut_off_and_its_ports_are_loopback(tmp_path: Path) -> None:
    line = " ".join(qemu.command(settings(tmp_path)))
    assert "restrict=on" in line
    assert "hostfwd=tcp:127.0.0.1:2222-:22" in line
    assert "hostfwd=tcp:127.0.0.1:8889-:8888" in line
    assert line.count("hostfwd=") == line.count("hostfwd=tcp:127.0.0.1:")
    assert "spawn=deny" in line
    assert "-loadvm" not in line
    assert qemu.command(settings(tmp_path), "pristine")[-2:] == ["-loadvm", "pristine"]


def test_qemu_is_found_by_its_name_and_ended(tmp_path: Path) -> None:
    name = f"minidocker-test-{os.getpid()}"
    os.mkfifo(tmp_path / name)
    # A process that looks like it: a shell with the options -n -a -m -e, which waits for ever to
    # open its script, a pipe that nobody writes to.
    process = subprocess.Popen(
        ["qemu-system-x86_64", "-name", name], executable="/bin/sh", cwd=tmp_path
    )
    try:
        deadline = time.monotonic() + 10
        while not qemu.find(name) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert qemu.find(name) == process.pid
        assert qemu.find(name + "x") == 0
        qemu.stop(name)
        assert process.wait(5) == -signal.SIGTERM
    finally:
        process.kill()
        process.wait()
    assert qemu.find(name) == 0


def test_the_monitor_says_who_is_gone(tmp_path: Path) -> None:
    with pytest.raises(MinidockerError, match="monitor does not answer"):
        qemu.Monitor(tmp_path / "qmp")


@pytest.mark.parametrize("text", ["0", "x", "-1", "99999"])
def test_hardware_is_checked(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MINIDOCKER_CPUS", text)
    with pytest.raises(MinidockerError, match="MINIDOCKER_CPUS"):
        machine.number("MINIDOCKER_CPUS", 2, 1, 64)


def test_an_accelerator_can_be_chosen_and_a_wrong_word_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MINIDOCKER_ACCEL", "tcg")
    assert accel.choose(Path("/k")).name == "tcg"
    monkeypatch.setenv("MINIDOCKER_ACCEL", "magic")
    with pytest.raises(UsageError):
        accel.choose(Path("/k"))


def plays(monkeypatch: pytest.MonkeyPatch, program: Path) -> None:
    """Let this program be the QEMU of this computer's processor."""
    one = dataclasses.replace(lab_arch.own(), qemu=str(program))
    monkeypatch.setattr(lab_arch, "own", lambda: one)


def test_a_trial_has_a_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "qemu"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    plays(monkeypatch, slow)
    begin = time.monotonic()
    found = accel.attempt(Path("/k"), patience=0.5)
    assert (found.name, time.monotonic() - begin < 10) == ("tcg", True)
    assert "boots no kernel within" in found.reason


def test_a_reason_is_not_kept_for_another_qemu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever installs QEMU after the first try is not told for the rest of the day that it lacks."""
    qemu_file, kvm = tmp_path / "qemu", tmp_path / "kvm"
    kvm.touch()
    places.cache().mkdir()
    monkeypatch.setattr(accel, "KVM", str(kvm))
    plays(monkeypatch, qemu_file)
    assert "is not installed" in accel.choose(Path("/k")).reason
    qemu_file.write_text("#!/bin/sh\necho 'VFS: Unable to mount root fs'\n")
    qemu_file.chmod(0o755)
    assert accel.choose(Path("/k")).name == "kvm"


def test_a_kernel_that_boots_means_kvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = tmp_path / "qemu"
    good.write_text("#!/bin/sh\necho 'Kernel panic - not syncing: VFS: Unable to mount root fs'\n")
    good.chmod(0o755)
    plays(monkeypatch, good)
    assert accel.attempt(Path("/k")).name == "kvm"


# --- the machine, when it is down --------------------------------------------------------


def test_a_machine_that_is_down_says_how_to_bring_it_up() -> None:
    with pytest.raises(NotFound) as caught:
        machine.Machine().ssh()
    assert caught.value.remedy == "minidocker vm up"
    assert machine.Machine().down() is False


@pytest.mark.parametrize("name", ["", "a b", "../x", "7", "a;b", "pristine"])
def test_names_of_snapshots_are_checked(name: str) -> None:
    with pytest.raises((MinidockerError, Conflict)):
        machine.Machine().snapshot(name)


def test_a_taken_port_is_passed_over() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert machine.free_port(port) > port


def test_two_commands_at_once_wait_for_one_another(own_places: Path) -> None:
    lab = machine.Machine()
    lock = lab.directory / "lock"
    with lab.alone(), open(lock) as second, pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lab.down(everything=True)
    assert not lab.directory.exists()


def test_the_way_in_shares_one_connection(tmp_path: Path) -> None:
    way = Ssh("127.0.0.1", 2222, tmp_path / "key", tmp_path / "c")
    words = way.argv(["echo", "a b", "$HOME"], tty=True)
    assert words[:3] == ["ssh", "-F", "none"]
    assert f"ControlPath={tmp_path / 'c'}" in words
    assert words[-3:-1] == ["-tt", "root@127.0.0.1"]
    shell = subprocess.run(
        ["sh", "-c", words[-1].replace("cd /minidocker && ", "cd / && ")],
        capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": "/nowhere"},
    )  # fmt: skip
    assert shell.stdout == "a b $HOME\n"


# --- long work ---------------------------------------------------------------------------


def test_a_phase_tells_its_time_and_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    phases = Phases()
    with phases("first"):
        phases.result("seven things")
    with pytest.raises(ValueError, match="x"), phases("second"):
        raise ValueError("x")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].split()[0] == "first" and lines[0].endswith("seven things")
    assert lines[1].endswith("failed")


def test_a_failed_program_is_one_sentence_with_its_log(tmp_path: Path) -> None:
    phases = Phases(tmp_path / "log")
    with pytest.raises(MinidockerError, match="no such thing; the whole log is in") as caught:
        phases.run(["sh", "-c", "echo fine; echo no such thing >&2; exit 3"], "do this")
    assert caught.value.remedy == "do this"
    assert "fine" in (tmp_path / "log").read_text()


def test_the_word_to_blame_is_where_debians_tools_stop() -> None:
    said = ["I: start", "sh: minidocker: not found", "E: setup failed: hook", "I: removing"]
    assert blame(said) == "sh: minidocker: not found / E: setup failed: hook"
    assert blame(["one", "two", ""]) == "two"
    assert blame([]) == "it said nothing"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_is_stopped_ends_the_program_and_all_that_it_started(tmp_path: Path, number: int) -> None:
    mark = f"{tmp_path}/alive"
    script = (
        f"import sys; sys.path.insert(0, {str(places.COURSE)!r})\n"
        "from minidocker.vm.phases import Phases\n"
        f"Phases().run(['sh', '-c', 'sh -c \"echo $$ > {mark}; sleep 60\"; true'])\n"
    )
    process = subprocess.Popen([sys.executable, "-I", "-c", script], stderr=subprocess.DEVNULL)
    while not os.path.exists(mark) or not Path(mark).read_text():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(30)
    assert not os.path.exists(f"/proc/{Path(mark).read_text().strip()}/cwd")


# --- the host, before and after ----------------------------------------------------------


def test_the_comparison_names_what_is_new_and_gone() -> None:
    before = {"links": ["lo", "eth0"], "programs": ["dnsmasq"]}
    after = {"links": ["lo", "virbr0"], "programs": ["dnsmasq", "dnsmasq"]}
    assert host_state.changes(before, after) == [
        "links: virbr0 is new", "links: eth0 is gone", "programs: dnsmasq is new",
    ]  # fmt: skip
    assert host_state.changes(before, before) == []


def test_a_look_at_this_host_changes_nothing_and_can_be_kept() -> None:
    first = host_state.look()
    assert json.loads(json.dumps(first)) == first
    assert first["mounts"] and set(first["links"]) < set(os.listdir("/sys/class/net"))


# --- run and grade in a machine ----------------------------------------------------------


def test_our_options_are_taken_out_and_the_rest_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[remote.Wish] = []
    monkeypatch.setattr(remote, "in_machine", lambda verb, wish: asked.append(wish) or 0)
    line = ["-it", "--on", "vm", "--rm", "--fresh", "-m", "64m", "base", "sh", "--on", "x"]
    assert cli.main(["run", *line]) == 0
    assert cli.main(["grade", "01", "--on=vagrant", "--json", "f"]) == 0
    wishes = [(wish.on, wish.fresh, wish.words, wish.report) for wish in asked]
    first = ["-it", "--rm", "-m", "64m", "base", "sh", "--on", "x"]
    assert wishes == [("vm", True, first, ""), ("vagrant", False, ["01"], "f")]


@pytest.mark.parametrize(
    "line",
    [
        "run --on moon base", "run --on vagrant --fresh base", "run --fresh base",
        "grade --on moon", "grade --fresh", "grade --from a b", "grade --csv marks.csv",
        "grade --on vagrant --from a",
    ],
)  # fmt: skip
def test_a_wrong_wish_is_one_sentence(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(line.split()) in (2, 125)
    assert capsys.readouterr().err.startswith("minidocker: ")


def report(**outcomes: str) -> dict[str, object]:
    """What a machine says of lesson 01, with some outcomes changed."""
    lesson = load().lesson("01")
    checks = [{"id": c.id, "outcome": outcomes.get(c.id, "pass")} for c in lesson.checks]
    return {"lessons": [{"id": lesson.id, "checks": checks}], "earned": 99999}


def test_a_class_is_counted_by_our_own_manifest_and_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = load().lesson("01")
    first = lesson.checks[0]
    answers = {"ada": report(), "bob": report(**{first.id: "fail"}), "eve": "no report"}
    judged: list[str] = []

    def judge(machine: object, content: bytes, words: list[str], merged: bool) -> tuple[int, bytes]:
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            name = tar.extractfile("01_pid.py").read().decode()  # type: ignore[union-attr]
        judged.append(name)
        return 0, json.dumps(answers[name]).encode()

    monkeypatch.setattr(remote, "judge", judge)
    monkeypatch.setenv("MINIDOCKER_VM", str(tmp_path / "state"))
    for name in answers:
        (tmp_path / name).mkdir()
        (tmp_path / name / "01_pid.py").write_text(name)
    table = str(tmp_path / "marks.csv")
    line = ["grade", "01", "--on", "vm", "--csv", table, "--from"]
    line += [str(tmp_path / name) for name in answers]
    assert cli.main(line) == 4
    said = capsys.readouterr().out
    assert f"ada                    {lesson.points}/{lesson.points}  all pass" in said
    assert f"did not pass: {first.id}" in said and "no verdict" in said
    assert "3 submissions, 2 with a verdict" in said and first.title in said
    assert judged == ["ada", "bob", "eve"]
    (tmp_path / "bob/01_pid.py").write_text("ada")
    assert cli.main(line) == 4
    assert judged[3:] == ["ada", "eve"]  # bob's file has changed, and eve had no verdict


def test_a_submission_holds_plain_python_files_only(tmp_path: Path) -> None:
    (tmp_path / "01_pid.py").write_text("x = 1\n")
    (tmp_path / "notes.txt").write_text("not carried")
    with tarfile.open(fileobj=io.BytesIO(remote.pack(tmp_path))) as tar:
        assert tar.getnames() == ["01_pid.py"]
    (tmp_path / "02.py").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="plain file"):
        remote.pack(tmp_path)
    with pytest.raises(NotFound):
        remote.pack(tmp_path / "nothing")


def test_what_comes_back_steers_no_terminal() -> None:
    assert remote.harmless("a\x1b[2Jb\x07\r\n\tc\u202ed\x9b1m") == "a[2Jb\n\tcd1m"


def test_only_json_is_believed() -> None:
    assert json.loads(remote.believe(b'{"a": "\xc3\xa9"}')) == {"a": "é"}
    with pytest.raises(MinidockerError, match="no report"):
        remote.believe(b"{'a'")


def test_a_submission_that_says_or_takes_too_much_is_ended() -> None:
    assert remote.bounded(["sh", "-c", "echo hi; exit 3"], merged=True) == (3, b"hi\n")
    with pytest.raises(MinidockerError, match="more than 1 KiB"):
        remote.bounded(["yes"], merged=True, largest=1024)
    with pytest.raises(MinidockerError, match="not judged within"):
        remote.bounded(["sleep", "60"], merged=True, patience=0.3)


# --- what a machine costs ----------------------------------------------------------------


def test_without_qemu_the_figures_are_labelled_as_reference(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MINIDOCKER_CACHE", str(tmp_path))
    found = cost.known()
    assert found["reference"]
    assert cost.tell(found).startswith("REFERENCE figures, not of this computer")


def test_the_smallest_initrd_is_one_that_cpio_reads(tmp_path: Path) -> None:
    if not shutil.which("busybox"):
        pytest.skip("blocked: no busybox (apt-get install busybox-static)")
    archive = cost.archive(b"\x7fELF and more")
    done = subprocess.run(["busybox", "cpio", "-id"], input=archive, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "bin/busybox").read_bytes() == b"\x7fELF and more"
    assert os.readlink(tmp_path / "bin/sh") == "busybox"
    assert os.access(tmp_path / "init", os.X_OK)


def test_a_kernel_that_does_not_boot_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Blocked, match="did not boot"):
        cost._running(["true"])
    monkeypatch.setattr(cost, "PATIENCE", 0.2)
    with pytest.raises(Blocked, match="booted within"):
        cost._running(["sleep", "60"])


def letters(text: str) -> list[str]:
    """What a trace has of letters on a serial port."""
    form = "memory_region_ops_write cpu 0 mr 0x1 addr 0x3f8 value 0x{:x} size 1 name 'serial'\n"
    return [form.format(ord(letter)) for letter in text]


def test_what_reaches_a_monitor_is_counted_between_two_marks() -> None:
    other = "memory_region_ops_read cpu 0 mr 0x2 addr 0xfee00390 value 0x5 size 4 name 'apic'\n"
    trace = [other] * 9 + letters("hi <calls\r\n") + [other] * 3 + letters("calls>\r\n<device\r\n")
    trace += ["noise\n", *letters("x" * 1000), *letters("device>\r\n")]
    assert reached.counted(trace, 0x3F8) == {"calls": 1 + 3 + 6, "device": 1 + 1000 + 7}
    for part in (trace[:20], [], ["addr 0x3f8"]):
        with pytest.raises(Blocked, match="no trace"):
            reached.counted(part, 0x3F8)


def test_reference_counts_say_that_they_are_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    found = reached.known()
    assert reached.tell(found).startswith("REFERENCE figures, not of this computer")
    assert found["by_calls"] * 100 < found["calls"] and found["by_device"] >= found["bytes"]

