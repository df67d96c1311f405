"""Run programs of another processor, in a namespace where the kernel hands them to QEMU.

    python -m minidocker.vm.foreign COMMAND…      with MINIDOCKER_ARCH=arm64

binfmt_misc(5) is the kernel's table of "files that begin so are run by that program". From Linux
6.7 each user namespace has its own, so nothing is registered on this computer: namespace, table and
mounts end with the command. The ids are all mapped to themselves, so that the tree that is built
has the owners that it should have.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from minidocker.doctor import lab_arch
from minidocker.errors import Blocked, KernelError
from minidocker.kernel import flags
from minidocker.kernel.linux import Linux
from minidocker.vm import places
from minidocker.vm.phases import Phases

TABLE = Path("/proc/sys/fs/binfmt_misc")
# The head of an ELF file, and which of its bits count: 64 bits, little endian; the ABI's byte may
# be any, an executable and a shared object both will do. elf(5), the first 20 bytes.
HEAD = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00"
MASK = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + b"\xfe\xff\xff\xff"
MACHINES = {"aarch64": b"\xb7\x00", "x86_64": b"\x3e\x00"}
# mmdebstrap would look for the program arch-test; `need` has tried already. Then what takes minutes
# where each instruction is translated: the index that `man -k` searches, and a first initrd with
# every driver there is (guest/box.sh makes the one that is booted).
OPTIONS = (
    "--skip=check/qemu",
    "--essential-hook=echo man-db man-db/auto-update boolean false | "
    'chroot "$1" debconf-set-selections',
    '--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d" && '
    'echo MODULES=list > "$1/etc/initramfs-tools/conf.d/lab.conf"',
)
EVERY_ID = "0 0 4294967295\n"


def command(argv: Sequence[str]) -> list[str]:
    """Return the command line that runs another processor's programs too, where that is needed."""
    arch = lab_arch.chosen()
    if not arch.foreign or registered(arch):
        return list(argv)
    return [sys.executable, "-m", "minidocker.vm.foreign", *argv]


def need() -> None:
    """Raise Blocked when neither this computer's table nor a namespace runs the chosen one's."""
    arch = lab_arch.chosen()
    if not arch.foreign or registered(arch):
        return
    done = subprocess.run(
        command(["true"]), cwd=places.COURSE, capture_output=True, text=True, timeout=60
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise Blocked(
            f"programs of {arch.debian} cannot run here: {said[-1] if said else 'no reason said'}",
            "Linux 6.7 as root, or: apt-get install qemu-user-static binfmt-support",
        )


def registered(arch: lab_arch.Architecture, table: Path = TABLE) -> bool:
    """Say whether this computer's own table has the processor, in a way that a chroot can use.

    Flag F: the kernel keeps the interpreter open, so that it need not be found in the chroot.
    """
    try:
        rows = (table / f"qemu-{arch.machine}").read_text().splitlines()
    except OSError:
        return False
    found = [row.removeprefix("flags:") for row in rows if row.startswith("flags:")]
    return "enabled" in rows and any("F" in one for one in found)


def row(arch: lab_arch.Architecture, interpreter: str) -> bytes:
    """Return the line for the table: a name, M for magic, its offset, bytes, mask, who runs it."""
    magic = _escaped(HEAD + MACHINES[arch.machine])
    return f":qemu-{arch.machine}:M::{magic}:{_escaped(MASK)}:{interpreter}:F".encode()


def _escaped(content: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in content)


def its_python(suite: str) -> list[str]:
    """Return pip's options for the packages of the chosen machine's Python, not of this one's."""
    machine = lab_arch.chosen().machine
    argv = ["--only-binary=:all:", "--implementation=cp"]
    argv += [f"--python-version={places.SUITES[suite]}"]
    argv += [f"--platform=manylinux_2_{minor}_{machine}" for minor in range(36, 4, -1)]
    return argv + [f"--platform=manylinux{year}_{machine}" for year in (2014, 2010, 1)]


def venv(
    suite: str, target: Path, pip: Sequence[str | Path], wheels: Path, wanted: Sequence[str],
    phases: Phases,
) -> None:  # fmt: skip
    """Lay out the machine's Python packages here, where pip is not emulated; box.sh copies them.

    guest/provision.sh leaves them as they are: `wanted` says that they are the right ones.
    """
    version = places.SUITES[suite]
    site = target / f"lib/python{version}/site-packages"
    site.parent.mkdir(parents=True)
    where: list[str | Path]
    where = ["--quiet", "--no-input", "--no-index", "--find-links", wheels, "--target", site]
    phases.run([*pip, *where, *its_python(suite), *wanted])
    for name in ("bin", "etc", "share"):  # pip's place for them is beside the packages
        if (site / name).is_dir():
            (site / name).rename(target / name)
    (target / "bin").mkdir(exist_ok=True)
    for script in (target / "bin").iterdir():
        first, _, rest = script.read_bytes().partition(b"\n")
        if first.startswith(b"#!") and b"python" in first:
            script.write_bytes(b"#!/opt/minidocker/bin/python\n" + rest)
    for name, goal in (("python3", "/usr/bin/python3"), ("python", "python3")):
        (target / "bin" / name).symlink_to(goal)
    (target / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}\n")
    (site / "minidocker.pth").write_text("/minidocker\n")
    if "{}.{}".format(*sys.version_info) == version:  # else its first start compiles what it uses
        paths: list[str | Path] = ["-s", target, "-p", "/opt/minidocker", site]
        phases.run([sys.executable, "-m", "compileall", "-q", *paths])
    (target / "wanted").write_text("".join(f"{line}\n" for line in sorted(wanted)))


def main(argv: Sequence[str]) -> int:
    """Run a command in such a namespace; return its exit status."""
    arch, kernel = lab_arch.chosen(), Linux()
    interpreter = shutil.which(arch.user, path=f"{os.environ.get('PATH', '')}:/usr/bin")
    if not interpreter:
        raise Blocked(f"there is no {arch.user}", "apt-get install qemu-user-static")
    ready, go = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if not pid:
        try:
            _inside(kernel, row(arch, interpreter), ready, go, argv)
        except (KernelError, OSError) as problem:
            print(problem, file=sys.stderr)
        os._exit(125)
    os.close(ready[1])
    os.close(go[0])
    # Only from outside may all ids be mapped: user_namespaces(7), "one of the following two cases".
    if os.read(ready[0], 1):
        for kind in ("uid", "gid"):
            with contextlib.suppress(OSError):  # then the other side says what it lacks
                Path(f"/proc/{pid}/{kind}_map").write_text(EVERY_ID)
        os.write(go[1], b"x")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF


def _inside(
    kernel: Linux, line: bytes, ready: tuple[int, int], go: tuple[int, int], argv: Sequence[str]
) -> None:
    """Make the namespaces, fill the table, and be the command's parent."""
    kernel.unshare(flags.CLONE_NEWUSER | flags.CLONE_NEWNS | flags.CLONE_NEWPID)
    kernel.prctl(flags.PR_SET_PDEATHSIG, 9)  # whoever kills the outer process kills all of it
    os.write(ready[1], b"x")
    os.close(go[1])
    if not os.read(go[0], 1):
        os._exit(125)
    child = os.fork()
    if not child:
        kernel.prctl(flags.PR_SET_PDEATHSIG, 9)
        kernel.mount("none", "/", "", flags.MS_REC | flags.MS_PRIVATE)
        kernel.mount("proc", "/proc", "proc")
        kernel.mount("binfmt_misc", str(TABLE), "binfmt_misc")
        (TABLE / "register").write_bytes(line)
        os.execvp(argv[0], list(argv))
    os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
