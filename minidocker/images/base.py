"""The base image: the machine's static busybox, and as much of a root file system as it needs.

Nothing is downloaded. The archive depends on the busybox alone (times are 0, names are sorted), so
that the same busybox gives the same image id on every machine.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

from minidocker.errors import Blocked
from minidocker.images.importer import Report, add_tar
from minidocker.images.store import files, names, oci, overlay_check
from minidocker.images.store.partial import Partial

if TYPE_CHECKING:
    from minidocker.images.archive.source import Progress
    from minidocker.images.store.store import Store

INSTALL = "apt-get install busybox-static"
PT_INTERP = 3  # elf(5): this segment names the dynamic loader, so a static program has none

DIRECTORIES = {
    "bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "mnt": 0o755, "opt": 0o755,
    "proc": 0o555, "root": 0o700, "run": 0o755, "sbin": 0o755, "srv": 0o755, "sys": 0o555,
    "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "usr/sbin": 0o755, "var": 0o755,
    "var/log": 0o755, "var/spool": 0o755, "var/tmp": 0o1777,
}  # fmt: skip
LINKS = {"var/run": "../run", "var/lock": "../run/lock"}
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
    "etc/shells": "/bin/sh\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/os-release": 'NAME="minidocker base"\nID=minidocker-base\nPRETTY_NAME="minidocker base"\n',
}


def build_base(store: Store, name: str = "base", progress: Progress | None = None) -> Report:
    """Build the base image and store it; Blocked where there is no static busybox."""
    full = names.check(name)
    program = find_busybox()
    version = _ask(program)[0].split("(")[0].strip()
    settings = {
        "Env": [oci.PATH], "Cmd": ["/bin/sh"],
        "Labels": {
            "org.opencontainers.image.title": "base",
            "org.opencontainers.image.description": f"{version}, linked statically",
        },
    }  # fmt: skip
    step = {"created": oci.EPOCH, "created_by": "minidocker image build-base", "comment": version}
    overlay_check.check(store)
    with Partial(store) as work:
        path = work.path("base.tar")
        files.write(path, archive(program))
        return add_tar(store, full, path, lambda _: settings, step, progress)


def find_busybox() -> str:
    """Return the path of a busybox that needs no loader and no library, or raise Blocked."""
    program = shutil.which("busybox")
    if program is None:
        raise Blocked("there is no busybox on this machine", INSTALL)
    with open(program, "rb") as file:
        start = file.read(65536)
    if not is_static(start):
        raise Blocked(
            f"{program} is not linked statically, so it cannot run in a container", INSTALL
        )
    return program


def is_static(start: bytes) -> bool:
    """Say whether the ELF program that begins with these bytes needs no loader; elf(5)."""
    if start[:4] != b"\x7fELF":
        return False
    order = "little" if start[5] == 1 else "big"
    wide = start[4] == 2  # 64 bit

    def number(at: int, size: int) -> int:
        return int.from_bytes(start[at : at + size], "little" if order == "little" else "big")

    table = number(32, 8) if wide else number(28, 4)  # e_phoff
    length, count = (number(54, 2), number(56, 2)) if wide else (number(42, 2), number(44, 2))
    if not count or table + length * count > len(start):
        return False
    return all(number(table + index * length, 4) != PT_INTERP for index in range(count))


def archive(program: str) -> bytes:
    """Return the tar archive of the base image's root file system."""
    out = io.BytesIO()
    with open(program, "rb") as file:
        busybox = file.read()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        _add(tar, "", tarfile.DIRTYPE, 0o755)
        for name, mode in DIRECTORIES.items():
            _add(tar, name, tarfile.DIRTYPE, mode)
        _add(tar, "bin/busybox", tarfile.REGTYPE, 0o755, busybox)
        for name, text in FILES.items():
            _add(tar, name, tarfile.REGTYPE, 0o644, text.encode())
        for name, target in {**LINKS, **_applets(program)}.items():
            _add(tar, name, tarfile.SYMTYPE, 0o777, target=target)
    return out.getvalue()


def _add(
    tar: tarfile.TarFile, name: str, kind: bytes, mode: int, data: bytes = b"", target: str = ""
) -> None:
    member = tarfile.TarInfo("./" + name)
    member.type, member.mode, member.size, member.linkname = kind, mode, len(data), target
    tar.addfile(member, io.BytesIO(data))


def _applets(program: str) -> dict[str, str]:
    """Return the links by which busybox is called: {"usr/bin/awk": "../../bin/busybox", …}."""
    found = {}
    for name in sorted(_ask(program, "--list-full")):
        folder = os.path.dirname(name)
        if folder in DIRECTORIES and name != "bin/busybox":
            found[name] = os.path.relpath("bin/busybox", folder)
    return found


def _ask(program: str, *args: str) -> list[str]:
    try:
        done = subprocess.run([program, *args], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise Blocked(f"{program} does not run: {problem}", INSTALL) from None
    return done.stdout.splitlines()
