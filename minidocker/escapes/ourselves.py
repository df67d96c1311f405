"""Escapes by weak points of a runtime itself: ours is one too.

On the first rung stands a runtime without care, written out in a few lines: what it does wrong is
the escape. On the others stands `minidocker run`.
"""

from __future__ import annotations

import os

from minidocker.escapes.escape import Escape
from minidocker.escapes.yard import BASE, Yard

# Any bit that the owner may set will do; this one says how much it is worth.
CHANGE_INIT = """\
sleep 0.3
chmod 4755 /proc/1/exe"""
CHANGE_SELF = ("/proc/self/exe", "-I", "-S", "-c",
               "import os; os.chmod('/proc/self/exe', 0o4755)")  # fmt: skip


def interpreter(yard: Yard) -> str:
    """Return the file of the interpreter that runs `minidocker` in the yard."""
    return os.path.realpath(str(yard.order["python"]))


def interpreter_changed(yard: Yard) -> bool:
    """The host's interpreter, as the yard sees it, has a setuid bit."""
    return bool(os.stat(interpreter(yard)).st_mode & 0o4000)


def leak(path: str) -> str:
    """Return shell that reads the secret through a directory that somebody left open."""
    return f"cat {path}/token"


NAIVE_EXE = """
# Process 1 is the runtime's own program, seen from a container that root runs in.
os.chmod("/proc/self/exe", 0o4755)
"""
NAIVE_IMPORT = """
os.chroot("/yard/base")
sys.path[:] = ["/lib/evil"]
import late                            # a module that was not needed before
"""


def planted_modules(yard: Yard) -> None:
    """Put modules into the image, in every directory that an interpreter looks into."""
    text = "import os\nos.close(os.open('/planted-ran', os.O_CREAT | os.O_WRONLY))\n"
    wanted = ("late", "pwd", "grp", "traceback", "linecache", "shutil", "signal", "json", "re",
              "encodings", "locale", "socket", "struct", "fcntl", "termios")  # fmt: skip
    for folder in (*yard.order["path"], "/lib/evil", "/"):
        os.makedirs(BASE + folder, exist_ok=True)
        for name in wanted:
            yard.put(f"{BASE}{folder}/{name}.py", text)


def planted_ran(yard: Yard) -> bool:
    """Code of the image's has run, before the command: the mark is in the root directory."""
    if os.path.exists(f"{BASE}/planted-ran"):
        return True
    return any(os.path.exists(f"/proc/{pid}/root/planted-ran") for pid in yard.pids())


ESCAPES = (
    Escape("leaked_descriptor", "read by a directory that the caller had left open",
           "CVE-2024-21626", leak("/proc/self/fd/9"), holds="/canary"),
    Escape("leaked_directory", "start with a working directory that lies outside",
           "CVE-2024-21626", leak("."), holds="/canary", options=("-w", "/proc/self/fd/9"),
           refusal=True, bare="os.chdir('/proc/self/fd/9'); print(open('token').read())"),
    Escape("init_program", "change the runtime's program, which is PID 1 under --init",
           "CVE-2019-5736", CHANGE_INIT, options=("--init",), begin="pid", bare=NAIVE_EXE,
           probe=interpreter_changed),
    Escape("runtime_program", "let the runtime start itself, and change its program",
           "CVE-2019-5736", program=CHANGE_SELF, bare=NAIVE_EXE, refusal=True,
           probe=interpreter_changed),
    Escape("late_import", "give the runtime a module of the image's to import",
           "CVE-2019-14271", "sleep 0.2", begin="rootfs", bare=NAIVE_IMPORT,
           setup=planted_modules, probe=planted_ran, options=("--user", "root")),
)  # fmt: skip
