"""The lab machine's table of processors: what each row changes, and that two stand side by side."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from minidocker.cli import main
from minidocker.doctor import lab_arch, lab_probe
from minidocker.errors import Blocked, Conflict, UsageError
from minidocker.proc.machine import Host
from minidocker.runtime import elf, gate
from minidocker.vm import accel, build, cost, foreign, hardware, machine, qemu, vagrant
from minidocker.vm.phases import Phases

ROWS = [lab_arch.AMD64, lab_arch.ARM64]


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An x86_64 computer whose caches and machines are this test's alone."""
    monkeypatch.setenv("MINIDOCKER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MINIDOCKER_VM", str(tmp_path / "vm"))
    for name in ("ACCEL", "ARCH", "CPUS", "MEMORY", "SUITE"):
        monkeypatch.delenv(f"MINIDOCKER_{name}", raising=False)
    monkeypatch.setattr(lab_arch, "own", lambda: lab_arch.AMD64)
    return tmp_path


def choose(monkeypatch: pytest.MonkeyPatch, arch: lab_arch.Architecture) -> lab_arch.Architecture:
    monkeypatch.setenv("MINIDOCKER_ARCH", arch.debian)
    return arch


def test_the_word_chooses_and_a_wrong_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lab_arch.chosen() is lab_arch.AMD64
    for word in ("arm64", "aarch64"):
        monkeypatch.setenv("MINIDOCKER_ARCH", word)
        assert lab_arch.chosen() is lab_arch.ARM64
    monkeypatch.setenv("MINIDOCKER_ARCH", "sparc")
    with pytest.raises(UsageError, match="MINIDOCKER_ARCH=sparc") as caught:
        lab_arch.chosen()
    assert caught.value.remedy == "amd64 or arm64"


def test_a_wrong_word_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINIDOCKER_ARCH", "sparc")
    for words in (["vm", "up"], ["vm", "status"]):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert "amd64 or arm64" in said and "Traceback" not in said
    found = lab_probe.finding(Host())
    assert "this is the lab machine" in found.seen or "MINIDOCKER_ARCH=sparc" in found.seen


@pytest.mark.parametrize("arch", ROWS)
def test_the_command_line_is_the_rows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arch: lab_arch.Architecture
) -> None:
    choose(monkeypatch, arch)
    wanted = qemu.Settings(
        "minidocker-test", Path("/k"), Path("/i"), tmp_path / "disk.qcow2", tmp_path,
        accel.choose(Path("/k")) if arch.foreign else accel.Accelerator("tcg", "a test"),
        2, 1024, {22: 2222},
    )  # fmt: skip
    words = qemu.command(wanted)
    assert words[0] == arch.qemu
    for option, value in (("-machine", arch.board), ("-cpu", arch.processor)):
        assert words[words.index(option) + 1] == value
    line = words[words.index("-append") + 1]
    assert f"console={arch.console},115200 " in line
    assert "{" not in line and ("no5lvl" in line) == (arch is lab_arch.AMD64)
    assert ("arm64" in hardware.hardware(wanted)) == (arch is lab_arch.ARM64)


def test_another_processor_is_always_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """KVM runs this computer's own alone: it is not even tried."""
    choose(monkeypatch, lab_arch.ARM64)
    monkeypatch.setattr(accel, "attempt", lambda *_: pytest.fail("it tried KVM"))
    found = accel.choose(Path("/k"))
    assert found.name == "tcg" and "arm64" in found.reason
    monkeypatch.setenv("MINIDOCKER_ACCEL", "kvm")
    with pytest.raises(UsageError, match="KVM runs no arm64"):
        accel.choose(Path("/k"))


def test_it_may_take_longer_to_start(
    monkeypatch: pytest.MonkeyPatch, own_places: Path
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(machine.Machine, "_prepare_disk", lambda self: None)
    monkeypatch.setattr(machine.Machine, "_settings", lambda self, box: None)
    monkeypatch.setattr(machine.Machine, "_launch", lambda *_: None)
    monkeypatch.setattr(machine.Machine, "_take_pristine", lambda *_: None)
    monkeypatch.setattr(machine, "hardware", lambda settings: "the same")
    monkeypatch.setattr(machine, "about", lambda settings: "the same")

    def reach(self: machine.Machine, patience: float) -> None:
        waited.append(patience)
        raise Conflict("enough", "")

    monkeypatch.setattr(machine.Machine, "_reach", reach)
    for arch in ROWS:
        choose(monkeypatch, arch)
        lab = machine.Machine()
        lab.directory.mkdir(parents=True)
        lab.run = own_places / "run"
        with pytest.raises(Conflict):
            lab._start("pristine")
    assert waited == [machine.BOOT, 3 * machine.BOOT]


def test_boxes_and_machines_stand_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    places, names, recipes = set(), set(), set()
    for arch in ROWS:
        choose(monkeypatch, arch)
        places.add(build._place("bookworm").name.rpartition("-")[0])
        names.add(machine.Machine().directory.name)
        recipes.add(build.recipe("bookworm"))
        words = build.debootstrap("bookworm")
        assert any(f"linux-image-cloud-{arch.debian}" in word for word in words)
        assert (f"--architectures={arch.debian}" in words) == arch.foreign
    assert places == {"box-bookworm", "box-bookworm_arm64"}
    assert names == {"lab", "lab_arm64"}
    assert len(recipes) == 2


def test_a_new_box_takes_the_old_ones_of_its_own_processor_alone(
    monkeypatch: pytest.MonkeyPatch, own_places: Path
) -> None:
    cache = own_places / "cache"
    for name in ("box-bookworm-old", "box-bookworm_arm64-old", "box-trixie_arm64-old"):
        (cache / name).mkdir(parents=True)

    def made(suite: str, work: Path, *_: object) -> None:
        (work / "kernel").write_text("6.1\n")
        (work / "disk.qcow2").write_bytes(b"disk")

    monkeypatch.setattr(build, "_make", made)
    monkeypatch.setattr(build, "need_programs", lambda: None)
    choose(monkeypatch, lab_arch.ARM64)
    box = build.build("bookworm")
    assert build.find("bookworm") == box
    left = {path.name for path in cache.glob("box-*")}
    assert left == {"box-bookworm-old", "box-trixie_arm64-old", box.directory.name}


def test_prune_finds_machines_of_every_processor(
    monkeypatch: pytest.MonkeyPatch, own_places: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_places / "cache").mkdir()
    for name in ("lab", "lab_arm64"):
        (own_places / "vm" / name).mkdir(parents=True)
    choose(monkeypatch, lab_arch.ARM64)
    assert main(["vm", "prune"]) == 0
    assert list((own_places / "vm").iterdir()) == []


def test_what_it_needs_is_asked_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    arch = choose(monkeypatch, lab_arch.ARM64)
    assert lab_probe.to_boot()[arch.qemu] == "qemu-system-arm"
    assert lab_probe.to_build()["qemu-aarch64-static"] == "qemu-user-static"
    lacking = ("qemu-system-aarch64", "qemu-aarch64-static")
    monkeypatch.setattr(lab_probe, "_there", lambda host, name: name not in lacking)
    monkeypatch.setattr(build, "_build", lambda *_: pytest.fail("it built"))
    with pytest.raises(Blocked, match="qemu-system-arm, qemu-user-static") as caught:
        machine.Machine().up()
    assert "--no-install-recommends qemu-system-arm qemu-user-static" in caught.value.remedy
    found = lab_probe.finding(Host())
    assert "qemu-system-aarch64" in found.seen or "this is the lab machine" in found.seen
    monkeypatch.delenv("MINIDOCKER_ARCH")
    assert "qemu-user-static" not in lab_probe.to_build().values()


def test_other_commands_of_the_machine_say_whose_processor_they_want(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose(monkeypatch, lab_arch.ARM64)
    for one in (vagrant.up, cost.measure):
        with pytest.raises((UsageError, Blocked), match="own processor") as caught:
            one()
        assert "unset MINIDOCKER_ARCH" in caught.value.remedy


# --- programs of another processor --------------------------------------------------------


def test_the_row_of_the_table_matches_such_programs_and_no_others() -> None:
    row = foreign.row(lab_arch.ARM64, "/usr/bin/qemu-aarch64-static").decode()
    _, name, kind, offset, magic, mask, program, flags = row.split(":")
    assert (name, kind, offset, flags) == ("qemu-aarch64", "M", "", "F")
    assert program == "/usr/bin/qemu-aarch64-static"
    bits = [bytes.fromhex(part.replace("\\x", "")) for part in (magic, mask)]
    assert len(bits[0]) == len(bits[1]) == 20

    def matches(head: bytes) -> bool:
        return all(one & two == want for one, two, want in zip(head, bits[1], bits[0], strict=True))

    for machine_name in ("aarch64", "x86_64"):
        head = gate.build(machine_name, 3)[:20]
        assert matches(head) == (machine_name == "aarch64")
    shared = bytearray(gate.build("aarch64", 3)[:20])
    shared[16:18] = struct.pack("<H", 3)  # ET_DYN: most programs of today
    assert matches(bytes(shared))
    shared[18:20] = struct.pack("<H", elf.EM_X86_64)
    assert not matches(bytes(shared))


@pytest.mark.parametrize(
    ("rows", "known"),
    [
        ("enabled\ninterpreter /x\nflags: F\n", True), ("enabled\nflags: OCF\n", True),
        ("disabled\nflags: F\n", False), ("enabled\nflags: \n", False),
        ("enabled\ninterpreter /F\nflags: OC\n", False),
    ],
)  # fmt: skip
def test_this_computers_own_table_is_used_where_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str, known: bool
) -> None:
    assert not foreign.registered(lab_arch.ARM64, tmp_path)
    (tmp_path / "qemu-aarch64").write_text(rows)
    assert foreign.registered(lab_arch.ARM64, tmp_path) == known
    monkeypatch.setattr(foreign, "registered", lambda arch: known)
    choose(monkeypatch, lab_arch.ARM64)
    assert (foreign.command(["mmdebstrap"]) == ["mmdebstrap"]) == known
    choose(monkeypatch, lab_arch.AMD64)
    assert foreign.command(["mmdebstrap"]) == ["mmdebstrap"]


def test_where_they_cannot_run_it_is_said_with_the_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose(monkeypatch, lab_arch.ARM64)
    monkeypatch.setattr(foreign, "registered", lambda arch: False)
    failing = [sys.executable, "-c", "raise SystemExit('mount(2): Operation not permitted')"]
    monkeypatch.setattr(foreign, "command", lambda argv: failing)
    with pytest.raises(Blocked, match=r"arm64 cannot run here: mount\(2\)") as caught:
        foreign.need()
    assert "qemu-user-static" in caught.value.remedy


def test_the_packages_are_laid_out_without_its_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip takes the packages of the other processor; what it makes says where it will stand."""
    choose(monkeypatch, lab_arch.ARM64)
    target, ran = tmp_path / "lab", []

    class Pip(Phases):
        def run(self, argv: Any, *_: Any, **__: Any) -> str:
            ran.append([str(word) for word in argv])
            if "install" in ran[-1]:
                site = Path(ran[-1][ran[-1].index("--target") + 1])
                (site / "bin").mkdir(parents=True)
                (site / "bin/pytest").write_text(f"#!{sys.executable}\nimport pytest\n")
                (site / "bin/other").write_bytes(b"\x7fELF")
            return ""

    foreign.venv("bookworm", target, ["pip", "install"], tmp_path, ["rich", "pytest"], Pip())
    assert "--platform=manylinux_2_17_aarch64" in ran[0] and "--no-index" in ran[0]
    assert not any("x86_64" in word for word in ran[0])
    assert (target / "bin/pytest").read_text() == "#!/opt/minidocker/bin/python\nimport pytest\n"
    assert (target / "bin/other").read_bytes() == b"\x7fELF"
    assert os.readlink(target / "bin/python3") == "/usr/bin/python3"
    assert (target / "wanted").read_text() == "pytest\nrich\n"
    assert (target / "lib/python3.11/site-packages/minidocker.pth").read_text() == "/minidocker\n"
    assert not (target / "lib/python3.11/site-packages/bin").exists()


@pytest.mark.needs("root")
def test_the_namespace_has_a_table_and_this_computers_stays_as_it_was() -> None:
    other = "arm64" if os.uname().machine == "x86_64" else "amd64"
    environment = {**os.environ, "MINIDOCKER_ARCH": other}
    before = sorted(os.listdir(foreign.TABLE))
    words = [sys.executable, "-m", "minidocker.vm.foreign"]
    script = "cat /proc/sys/fs/binfmt_misc/qemu-* && cat /proc/self/uid_map; exit 7"
    done = subprocess.run(
        [*words, "sh", "-c", script], env=environment, cwd=Path(foreign.__file__).parents[2],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if "there is no qemu-" in done.stderr or "binfmt_misc" in done.stderr:
        pytest.skip(f"blocked: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 7, done.stderr
    assert "enabled" in done.stdout
    assert done.stdout.split()[-3:] == ["0", "0", "4294967295"]
    assert sorted(os.listdir(foreign.TABLE)) == before


def test_a_login_may_take_longer_where_the_processor_is_not_this_computers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[float] = []

    class Way:
        def shell(self, _: str, timeout: float) -> str:
            asked.append(timeout)
            return "none"

    monkeypatch.setenv("MINIDOCKER_VM", str(tmp_path))
    monkeypatch.setattr(machine.Machine, "ssh", lambda _: Way())
    for name in ("amd64", "arm64"):
        monkeypatch.setenv("MINIDOCKER_ARCH", name)
        assert machine.Machine("x", shared=False)._marked()
    assert sorted(asked) == [20, 60]
