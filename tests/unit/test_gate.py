"""The gate: its bytes, what it does, and that a command behind it is what it would be without."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from minidocker.errors import Blocked
from minidocker.kernel import sealed
from minidocker.kernel.linux import Linux
from minidocker.runtime import gate, gate_code
from minidocker.runtime.elf import EM_AARCH64, EM_X86_64

MACHINES = ("x86_64", "aarch64")
HERE = os.uname().machine


# --- the bytes ---------------------------------------------------------------------------


def said_by_objdump(program: str, machine: str, code: bytes, directory: Path) -> list[str]:
    """Every instruction as binutils reads it, in one spelling."""
    file = directory / "code"
    file.write_bytes(code)
    done = subprocess.run(
        [program, "-D", "-b", "binary", "-m", machine, "-M", "intel", str(file)]
        if "x86" in machine else [program, "-D", "-b", "binary", "-m", machine, str(file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = [line.split("\t", 2)[2] for line in done.stdout.splitlines() if line.count("\t") > 1]
    return [one_spelling(line) for line in found]


def one_spelling(text: str) -> str:
    """Numbers in decimal, no sizes of operands, no comments: "mov eax, 1"."""
    text = text.split("//")[0].split("# ")[0].replace("PTR", "").replace("WORD", "")
    text = re.sub(r"\b(D|Q|dword|qword)\b\s*(?=\[)", "", text)
    text = re.sub(r"0x[0-9a-f]+", lambda n: str(signed(int(n[0], 16))), text)
    return re.sub(r"\s+", "", text).lower()


def signed(number: int) -> int:
    return number - (1 << 32) if 1 << 31 <= number < 1 << 32 else number


@pytest.mark.parametrize("machine", MACHINES)
def test_each_mnemonic_is_what_a_disassembler_reads(machine: str, tmp_path: Path) -> None:
    names = {"x86_64": ("objdump",), "aarch64": ("aarch64-linux-gnu-objdump", "objdump")}[machine]
    program = next((found for name in names if (found := shutil.which(name))), None)
    known = (
        ""
        if not program
        else subprocess.run([program, "-i"], capture_output=True, text=True).stdout
    )
    if not program or {"x86_64": "i386", "aarch64": "aarch64"}[machine] not in known:
        pytest.skip(
            f"blocked: no objdump that knows {machine} (apt-get install binutils-multiarch)"
        )
    rows = gate_code.lines(gate_code.X86_64 if machine == "x86_64" else gate_code.AARCH64)
    places, place = {}, 0
    for label, code, points, _ in rows:
        places[label] = place
        place += len(code) // 2 + (gate_code.x86_distance(code) if points and machine == "x86_64" else 0)
    places["data"] = place + -place % 8
    told = said_by_objdump(
        program, "i386:x86-64" if machine == "x86_64" else "aarch64",
        gate_code.assemble(machine)[:place], tmp_path,
    )  # fmt: skip
    wanted, at = [], 0
    for _, code, points, mnemonic in rows:
        at += len(code) // 2 + (gate_code.x86_distance(code) if points and machine == "x86_64" else 0)
        text = mnemonic
        if points == "data" and machine == "x86_64":
            text = text.replace("data", str(places["data"] - at))
        elif points:
            text = re.sub(rf"\b{points}\b", str(places[points]), text)
        wanted.append(one_spelling(text))
    assert told == wanted


def encode(mnemonic: str, distance: int) -> int:
    """Encode an A64 instruction from the Arm manual's fields, apart from the table under test."""
    word = mnemonic.split()[0]
    args = [
        part.strip() for part in mnemonic[len(word) :].replace("[", "").replace("]", "").split(",")
    ]

    def reg(text: str) -> int:
        return 31 if text in ("sp", "wzr", "xzr") else int(text[1:])

    def number(text: str) -> int:
        return int(text.lstrip("#"))

    wide = args[0][0] == "x" if args and args[0] else False
    if word == "svc":
        return 0xD4000001 | number(args[0]) << 5
    if word == "udf":
        return 0
    if word == "adr":
        return 0x10 << 24 | (distance & 3) << 29 | (distance >> 2 & 0x7FFFF) << 5 | reg(args[0])
    if word in ("b.eq", "b.ne"):
        return 0x54 << 24 | (distance >> 2 & 0x7FFFF) << 5 | (word == "b.ne")
    if word == "b":
        return 0b000101 << 26 | (distance >> 2 & 0x3FFFFFF)
    if word in ("cbz", "cbnz"):
        return (
            wide << 31
            | 0b011010 << 25
            | (word == "cbnz") << 24
            | (distance >> 2 & 0x7FFFF) << 5
            | reg(args[0])
        )
    if word in ("tbz", "tbnz"):
        return (
            0b011011 << 25
            | (word == "tbnz") << 24
            | number(args[1]) << 19
            | (distance >> 2 & 0x3FFF) << 5
            | reg(args[0])
        )
    if word == "movk":
        return (
            wide << 31 | 0b11100101 << 23 | number(args[2].split("#")[1]) // 16 << 21
            | number(args[1]) << 5 | reg(args[0])
        )  # fmt: skip
    if word == "mov" and args[1].startswith("#"):  # movz
        return wide << 31 | 0b10100101 << 23 | number(args[1]) << 5 | reg(args[0])
    if word == "mov" and args[1] == "sp":  # add x, sp, #0
        return 1 << 31 | 0b00100010 << 23 | 31 << 5 | reg(args[0])
    if word == "mov":  # orr w, wzr, w
        return wide << 31 | 0b0101010 << 24 | reg(args[1]) << 16 | 31 << 5 | reg(args[0])
    if word == "ldr":
        offset = number(args[2]) if len(args) > 2 else 0
        scale = 3 if wide else 2
        return (
            (scale << 30)
            | 0b111001_01 << 22
            | (offset >> scale) << 10
            | reg(args[1]) << 5
            | reg(args[0])
        )
    if word == "stp":
        return 0b00_101_0_010_0 << 22 | reg(args[1]) << 10 | reg(args[2]) << 5 | reg(args[0])
    if word == "add" and args[2].startswith("#"):
        return (
            wide << 31 | 0b00100010 << 23 | number(args[2]) << 10 | reg(args[1]) << 5 | reg(args[0])
        )
    if word == "add":
        return (
            wide << 31
            | 0b0001011 << 24
            | reg(args[2]) << 16
            | number(args[3].split("#")[1]) << 10
            | reg(args[1]) << 5
            | reg(args[0])
        )
    if word == "lsr":  # ubfm
        return (
            wide << 31
            | 0b10100110 << 23
            | 1 << 22
            | number(args[2]) << 16
            | 63 << 10
            | reg(args[1]) << 5
            | reg(args[0])
        )
    if word == "neg":  # sub w, wzr, w
        return wide << 31 | 0b1001011 << 24 | reg(args[1]) << 16 | 31 << 5 | reg(args[0])
    if word == "cmp":  # subs wzr, w, #n
        return 0b01110001 << 24 | number(args[1]) << 10 | reg(args[0]) << 5 | 31
    if word == "cmn":  # adds wzr, w, #n
        return 0b00110001 << 24 | number(args[1]) << 10 | reg(args[0]) << 5 | 31
    if word == "cinc":  # csinc w, w, w, the other condition: eq is 0, ne is 1
        return (
            0b00011010100 << 21
            | reg(args[1]) << 16
            | (1 if args[2] == "eq" else 0) << 12
            | 1 << 10
            | reg(args[1]) << 5
            | reg(args[0])
        )
    raise AssertionError(mnemonic)


def test_the_arm_table_is_what_the_manual_says() -> None:
    """Without any tool: every word is encoded a second time, from its mnemonic."""
    rows = gate_code.lines(gate_code.AARCH64)
    places = {label: 4 * n for n, (label, *_) in enumerate(rows)}
    places["data"] = 4 * len(rows) + -4 * len(rows) % 8
    code = gate_code.assemble("aarch64")
    for n, (_, _, points, mnemonic) in enumerate(rows):
        distance = places[points] - 4 * n if points else 0
        word = int.from_bytes(code[4 * n : 4 * n + 4], "little")
        assert f"{word:08x}" == f"{encode(mnemonic, distance):08x}", mnemonic


@pytest.mark.parametrize("machine", MACHINES)
def test_the_file_is_small_and_its_segment_is_not_writable(machine: str) -> None:
    made = gate.build(machine, 3)
    assert len(made) < 900
    assert (
        struct.unpack_from("<H", made, 18)[0]
        == {"x86_64": EM_X86_64, "aarch64": EM_AARCH64}[machine]
    )
    kind, flags = struct.unpack_from("<II", made, 64)
    assert (kind, flags) == (1, 5)  # PT_LOAD, read and execute
    # Linux before 6.7 writes zeroes behind a loader's segment, up to the next page, of any size
    in_file, in_memory = struct.unpack_from("<QQ", made, 64 + 32)
    assert in_file == in_memory >= len(made) and not in_file % 0x10000


def test_a_call_that_is_said_not_to_exist_was_refused_by_a_filter() -> None:
    """A profile that names only lower numbers than execve(2)'s: arm64's fcntl, write, exit_group."""
    told = gate.refusal("true", 1, 38)
    assert "Function not implemented" in told.message and "seccomp=unconfined" in told.remedy


def test_another_machine_has_no_gate() -> None:
    with pytest.raises(Blocked, match="riscv64"):
        gate.build("riscv64", 3)


# --- what it does ------------------------------------------------------------------------


def program_of(machine: str, tmp_path: Path, **what: object) -> list[str]:
    """The words that start the gate of a machine here; skips where none can."""
    file = tmp_path / "gate"
    file.write_bytes(gate.build(machine, **what))
    file.chmod(0o755)
    if machine == HERE:
        return [str(file)]
    emulator = shutil.which(f"qemu-{machine}-static") or shutil.which(f"qemu-{machine}")
    if not emulator:
        pytest.skip(f"blocked: no qemu-{machine} (apt-get install qemu-user)")
    return [emulator, str(file)]


def through(machine: str, tmp_path: Path, path: str, argv: list[str], said: str = "", wait: int | None = None,
            env: dict[str, str] | None = None, label: gate.Label | None = None) -> tuple[subprocess.CompletedProcess, bytes]:  # fmt: skip
    """Run a command through the gate: how it ended, and what the channel said."""
    hear, say = os.pipe()
    fds = [say] + ([] if wait is None else [wait]) + ([label.attr] if label else [])
    words = program_of(machine, tmp_path, channel=say, wait=-1 if wait is None else wait, label=label)
    if len(words) == 1:
        words, executable_ = [path, *argv], words[0]
    else:
        words, executable_ = [words[0], "-0", path, words[1], *argv], words[0]
    done = subprocess.run(
        words, executable=executable_, pass_fds=fds, env=env, capture_output=True, timeout=20
    )
    os.close(say)
    told = os.read(hear, 100)
    os.close(hear)
    return done, told


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments_and_variables_arrive_as_they_were(machine: str, tmp_path: Path) -> None:
    argv = ["sh", "-c", 'printf "%s|" "$0" "$@"; env; ls /proc/self/fd', "", "a b", "ü", "x" * 3000]
    env = {"A": "1", "EMPTY": "", "LONG": "y" * 5000, "PATH": os.environ["PATH"]}
    done, told = through(machine, tmp_path, "/bin/sh", argv, env=env)
    direct = subprocess.run(argv, executable="/bin/sh", env=env, capture_output=True)
    assert (done.returncode, told) == (0, b"")
    assert done.stdout == direct.stdout  # the channel is closed, too: no descriptor more


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("there", [True, False])
def test_a_label_is_written_just_before_the_exec(machine: str, there: bool, tmp_path: Path) -> None:
    attr = tmp_path / "attr"
    attr.mkdir()
    if there:
        (attr / "exec").touch()
    fd = os.open(attr, os.O_PATH | os.O_DIRECTORY)
    label = gate.Label(fd, b"exec containers-default-0.50.1")
    argv = ["sh", "-c", f'cat "{attr}/exec"; test -e /proc/self/fd/{fd} && echo open']
    done, told = through(machine, tmp_path, "/bin/sh", argv, label=label)
    os.close(fd)
    if there:
        assert (done.stdout, told) == (label.text, b"")
    else:
        assert told == struct.pack("<ii", gate.LABEL_STEP, 2) and not done.stdout


@pytest.mark.parametrize("machine", MACHINES)
def test_no_variables_at_all(machine: str, tmp_path: Path) -> None:
    done, told = through(machine, tmp_path, "/usr/bin/env", ["env"], env={})
    assert (done.returncode, done.stdout, told) == (0, b"", b"")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("path", "errno", "status"), [("/no/such", 2, 127), ("/etc/passwd", 13, 126), ("/etc", 13, 126)]
)
def test_a_failure_is_written_with_its_step_and_errno(
    machine: str, path: str, errno: int, status: int, tmp_path: Path
) -> None:
    done, told = through(machine, tmp_path, path, ["x"])
    assert (struct.unpack("<ii", told), done.returncode) == ((1, errno), status)


@pytest.mark.parametrize("machine", MACHINES)
def test_it_waits_until_it_is_told(machine: str, tmp_path: Path) -> None:
    begin, go = os.pipe()
    os.write(go, b"G")
    argv = ["sh", "-c", "ls /proc/self/fd | wc -l"]
    done, told = through(machine, tmp_path, "/bin/sh", argv, wait=begin)
    plain, _ = through(machine, tmp_path, "/bin/sh", argv)
    assert (done.returncode, done.stdout, told) == (0, plain.stdout, b"")
    os.close(go)  # nobody will tell
    done, told = through(machine, tmp_path, "/bin/sh", argv, wait=begin)
    os.close(begin)
    assert (done.returncode, done.stdout, struct.unpack("<ii", told)) == (126, b"", (3, 0))


@pytest.mark.parametrize("machine", MACHINES)
def test_the_second_time_it_ends_with_a_sentence(machine: str, tmp_path: Path) -> None:
    words = program_of(machine, tmp_path, channel=77)
    done = subprocess.run([*words, "x"], capture_output=True, timeout=20)
    assert (done.returncode, done.stderr) == (126, gate.SECOND_TIME)


# --- the file in memory ------------------------------------------------------------------


def test_nobody_can_change_it(tmp_path: Path) -> None:
    fd = gate.make(Linux(), 3, str(tmp_path))
    try:
        assert fcntl.fcntl(fd, 1034) & 0xF == 0xF  # F_GET_SEALS
        for change in (
            lambda: os.write(fd, b"x"),
            lambda: os.ftruncate(fd, 0),
            lambda: os.pwrite(fd, b"x", 1 << 20),
            lambda: os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_TRUNC),
            lambda: fcntl.fcntl(fd, 1033, 0x10),
        ):
            with pytest.raises(PermissionError):
                change()
    finally:
        os.close(fd)


def test_where_memory_may_not_be_executed_a_file_without_a_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(13, "vm.memfd_noexec")

    monkeypatch.setattr(sealed.os, "memfd_create", refused)
    data = gate.build(HERE, 3)
    fd = sealed.program(data, str(tmp_path))
    assert os.listdir(tmp_path) == []
    assert os.pread(fd, 4000, 0) == data
    with pytest.raises(OSError, match="Bad file"):
        os.write(fd, b"x")
    assert subprocess.run(["x"], executable=f"/proc/self/fd/{fd}", pass_fds=[fd]).returncode == 126
    os.close(fd)


def test_an_old_kernel_knows_no_flag_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.memfd_create

    def old(name: str, flags: int) -> int:
        if flags & sealed.MFD_EXEC:
            raise OSError(22, "Invalid argument")
        return real(name, flags)

    monkeypatch.setattr(sealed.os, "memfd_create", old)
    os.close(sealed.program(b"x", str(tmp_path)))


# --- the five sets -----------------------------------------------------------------------

NET_RAW, CHOWN, KILL = 1 << 13, 1 << 0, 1 << 5
SCRIPT = """
import os, sys
from minidocker.kernel.linux import Linux
from minidocker.runtime import gate
how, path, uid, nnp, permitted, inheritable, ambient = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
kernel = Linux()
hear, say = os.pipe()
first = gate.make(kernel, say, "/tmp")
if uid:
    kernel.prctl(8, 1)  # PR_SET_KEEPCAPS
    kernel.setresgid(uid, uid, uid)
    kernel.setresuid(uid, uid, uid)
kernel.capset(permitted, permitted, inheritable)
kernel.raise_ambient(ambient)
if nnp:
    kernel.prctl(38, 1)
argv, env = ["cat", "/proc/self/status"], {}
if how == "direct":
    os.execve(path, argv, env)
chosen = gate.carry(kernel, first, say, bool(nnp))
os.set_inheritable(say, True)
kernel.execve(path, argv, env, chosen)
"""


@pytest.fixture(scope="module")
def programs() -> Iterator[dict[str, str]]:
    """cat, plain and with file capabilities of three kinds, where any user may start it."""
    if os.geteuid():
        pytest.skip("blocked: needs root (sudo make test)")
    found = {"plain": shutil.which("cat") or "/bin/cat"}
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    for name, effective, permitted, inheritable in (
        ("permitted", 0, NET_RAW | CHOWN, 0), ("effective", 1, NET_RAW, 0), ("inheritable", 1, 0, NET_RAW | KILL),
    ):  # fmt: skip
        file = directory / name
        shutil.copy(found["plain"], file)
        file.chmod(0o755)
        value = struct.pack("<5I", 0x02000000 | effective, permitted, inheritable, 0, 0)
        try:
            os.setxattr(file, "security.capability", value)
        except OSError as problem:
            pytest.skip(f"blocked: no file capabilities here ({problem.strerror})")
        found[name] = str(file)
    yield found
    shutil.rmtree(directory)


def sets(how: str, path: str, *numbers: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how, path, *map(str, numbers)],
        capture_output=True, text=True, timeout=20,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith(("Cap", "NoNewPrivs"))]


@pytest.mark.needs("root")
@pytest.mark.parametrize("kind", ["plain", "permitted", "effective", "inheritable"])
@pytest.mark.parametrize("uid", [0, 65534])
@pytest.mark.parametrize("no_new_privs", [0, 1])
def test_a_command_has_the_five_sets_that_a_direct_exec_gives(
    programs: dict[str, str], kind: str, uid: int, no_new_privs: int
) -> None:
    both = NET_RAW | CHOWN | KILL
    for permitted, (inheritable, ambient) in itertools.product(
        (0, NET_RAW, both), ((0, 0), (NET_RAW, 0), (NET_RAW, NET_RAW))
    ):
        if ambient & ~permitted or inheritable & ~permitted:
            continue
        numbers = (uid, no_new_privs, permitted, inheritable, ambient)
        assert sets("gate", programs[kind], *numbers) == sets("direct", programs[kind], *numbers), (
            numbers
        )
