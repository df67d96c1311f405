"""Behind the gate no image reaches the host's Python, and no filter or limit stops the gate."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from minidocker.runtime import elf
from minidocker.runtime.elf import EM_AARCH64, EM_X86_64, executable

pytestmark = pytest.mark.needs("root", "pidns", "mntns", "overlay")

HERE = os.uname().machine
SENTENCE = "it leads out of the container"


def tiny(status: int) -> bytes:
    """A program that makes one call: exit(status)."""
    if HERE == "x86_64":
        code = b"\xbf" + status.to_bytes(4, "little") + b"\xb8\x3c\0\0\0\x0f\x05"
        return executable(EM_X86_64, code)
    words = (0x52800000 | status << 5, 0x52800BA8, 0xD4000001)
    return executable(EM_AARCH64, struct.pack("<3I", *words))


def with_interpreter(path: bytes) -> bytes:
    """A program whose loader is `path`: the kernel starts that in its place."""
    return elf.with_interpreter(EM_X86_64 if HERE == "x86_64" else EM_AARCH64, path)


@pytest.mark.parametrize(
    ("text", "how"),
    [(b"#!/proc/self/exe\n", "script"), (b"#!/x\x0cy\n", "form feed"), (b"#!/x\ry\n", "return"),
     (b"#!  \t/proc/self/exe -c x\n", "blanks"), (b"#!/proc/1/exe\n", "by number"),
     (with_interpreter(b"/proc/self/exe"), "PT_INTERP"), (with_interpreter(b"/link"), "PT_INTERP link")],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
@pytest.mark.parametrize("more", [(), ("--init",)])
def test_an_image_starts_the_gate_where_it_wants_the_interpreter(
    minidocker: Callable, tmp_path: Path, text: bytes, how: str, more: tuple[str, ...]
) -> None:
    if how == "by number" and more:
        pytest.skip("under --init, process 1 is nobody's predecessor: see test_escapes")
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "evil").write_bytes(text)
    (layer / "evil").chmod(0o755)
    for name in ("x\x0cy", "x\ry", "link"):  # names that str.split() takes for blanks
        (layer / name).symlink_to("/proc/self/exe")
    done = minidocker("run", "--rm", *more, "--layer", str(layer), "/evil", timeout=20)
    assert (done.returncode, done.stdout) == (126, "")
    assert SENTENCE in done.stderr
    assert "Python" not in done.stderr


def test_a_file_and_a_link_that_change_places_win_nothing(
    minidocker: Callable, tmp_path: Path
) -> None:
    """The race by which a check of a path was lost: 4 of 40."""
    shutil.copy("/bin/true", tmp_path / "file")
    (tmp_path / "link").symlink_to("/proc/self/exe")
    (tmp_path / "work").symlink_to("file")
    mover = subprocess.Popen(
        [sys.executable, "-c",
         "import os, sys\nos.chdir(sys.argv[1])\n"
         "while True:\n"
         "    for n in ('file', 'link'):\n"
         "        os.symlink(n, 'new')\n"
         "        os.rename('new', 'work')\n", str(tmp_path)],
    )  # fmt: skip
    try:
        for _ in range(12):
            done = minidocker("run", "--rm", "-v", f"{tmp_path}:/data", "base", "/data/work", "-V")
            assert "Python" not in done.stdout + done.stderr
            assert done.returncode in (0, 126, 127), done.stderr
    finally:
        mover.kill()
        mover.wait()


def test_a_filter_of_four_calls_lets_a_command_start(minidocker: Callable, tmp_path: Path) -> None:
    """All else kills, and Python needs a hundred calls: they come before the filter."""
    (tmp_path / "tiny").write_bytes(tiny(7))
    (tmp_path / "tiny").chmod(0o755)
    names = ["execve", "fcntl", "exit", "exit_group"]
    profile = {
        "defaultAction": "SCMP_ACT_KILL_PROCESS",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}],
    }
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(profile))
    words = ("run", "--rm", "-v", f"{tmp_path}:/data", "--security-opt", f"seccomp={file}", "base")
    assert minidocker(*words, "/data/tiny").returncode == 7
    assert minidocker(*words, "true").returncode == 128 + 31  # SIGSYS: a library needs more

    profile["syscalls"][0]["names"] = ["execve", "close_range", "exit", "exit_group"]
    profile["defaultAction"] = "SCMP_ACT_ERRNO"
    file.write_text(json.dumps(profile))
    assert minidocker(*words, "/data/tiny").returncode == 7
    # close_range: its number is above execve's on every machine; a call above all named ones is
    # told ENOSYS, and on arm64 fcntl, write and exit_group have lower numbers than execve
    profile["syscalls"][0]["names"] = ["fcntl", "write", "exit_group", "close_range"]
    file.write_text(json.dumps(profile))
    done = minidocker(*words, "/data/tiny")
    assert (done.returncode, done.stdout) == (126, "")
    assert "cannot run /data/tiny: Operation not permitted" in done.stderr
    profile["syscalls"][0]["names"] = ["execve", "write", "exit_group"]
    file.write_text(json.dumps(profile))
    done = minidocker(*words, "/data/tiny")
    assert (done.returncode, done.stdout) == (126, "")
    assert "fcntl(2) F_SETFD: E" in done.stderr  # and not: the command runs with our channel


@pytest.mark.parametrize("limit", ["fsize=0", "nofile=3", "memlock=0", "nproc=1"])
def test_no_limit_of_the_commands_stops_the_gate(
    minidocker: Callable, tmp_path: Path, limit: str
) -> None:
    (tmp_path / "tiny").write_bytes(tiny(7))
    (tmp_path / "tiny").chmod(0o755)
    done = minidocker("run", "--rm", "--ulimit", limit, "-v", f"{tmp_path}:/d", "base", "/d/tiny")
    assert (done.returncode, done.stderr) == (7, "")


def test_where_nothing_in_memory_may_be_executed(
    minidocker: Callable, command: list[str], shared_store: Path
) -> None:
    """vm.memfd_noexec belongs to a pid namespace: 2 there, and nothing changes for others."""
    if not os.path.exists("/proc/sys/vm/memfd_noexec"):
        pytest.skip("blocked: this kernel is older than 6.3")
    before = Path("/proc/sys/vm/memfd_noexec").read_text()
    script = (
        "echo 2 > /proc/sys/vm/memfd_noexec || exit 99\n"
        f"{' '.join(command)} run --rm base sh -c 'readlink /proc/1/exe; exit 5'\n"
        "echo status $?\n"
        f"{' '.join(command)} run --rm base /proc/self/exe; echo status $?\n"
        f"find {shared_store} -name program\n"
    )
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script],
        env={**os.environ, "MINIDOCKER_ROOT": str(shared_store)}, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.stdout == "/bin/busybox\nstatus 5\nstatus 126\n", done.stderr
    assert SENTENCE in done.stderr
    assert Path("/proc/sys/vm/memfd_noexec").read_text() == before


def test_the_command_has_no_descriptor_of_ours(minidocker: Callable) -> None:
    for more in ((), ("--init",), ("--explain",)):
        look = (
            "for n in 3 4 5 6 7 8 9 10 11 12 13; do [ -e /proc/$$/fd/$n ] && echo $n; done; echo no"
        )
        done = minidocker("run", "--rm", *more, "base", "sh", "-c", look)
        assert done.stdout == "no\n"


def test_a_program_without_a_first_line_and_one_for_another_machine(
    minidocker: Callable, tmp_path: Path
) -> None:
    for name, text in (
        ("plain", b"echo hi\n"),
        ("other", b"\x7fELF" + bytes(200)),
        ("gone", b"#!/no/such\n"),
    ):
        (tmp_path / name).write_bytes(text)
        (tmp_path / name).chmod(0o755)
    for name, words, status in (
        ("plain", "a script needs a #! line", 126), ("other", "Exec format error", 126),
        ("gone", "the loader or interpreter that it names", 127),
    ):  # fmt: skip
        for more in ((), ("--init",)):
            done = minidocker("run", "--rm", *more, "-v", f"{tmp_path}:/d", "base", f"/d/{name}")
            assert (done.returncode, done.stdout) == (status, "")
            assert f"cannot run /d/{name}: " in done.stderr and words in done.stderr
