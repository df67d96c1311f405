"""The kernel that tells: each call in the kernel's spelling, and as a shell command.

`Traced(kernel, tell)` does each call and tells it; `Pretend()` does none of them and
answers as if all had gone well. `Traced(Pretend(), tell)` is `--dry-run`; over `Linux()` it is
`--explain`. Both work on any operating system: nothing here touches Linux.
"""

from __future__ import annotations

import os

from minidocker.kernel import flags as f
from minidocker.kernel.beside import Beside
from minidocker.kernel.calls import Calls
from minidocker.kernel.interface import Kernel

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

NEWLINE, ESCAPED = "\n", "\\n"  # an f-string of Python 3.11 takes no backslash
UNSHARE_OPTIONS = {
    f.CLONE_NEWUSER: "--user",
    f.CLONE_NEWNS: "--mount",
    f.CLONE_NEWUTS: "--uts",
    f.CLONE_NEWIPC: "--ipc",
    f.CLONE_NEWNET: "--net",
    f.CLONE_NEWPID: "--pid --fork",
    f.CLONE_NEWCGROUP: "--cgroup",
    f.CLONE_NEWTIME: "--time --fork",
}
MOUNT_OPTIONS = {
    f.MS_RDONLY: "ro",
    f.MS_NOSUID: "nosuid",
    f.MS_NODEV: "nodev",
    f.MS_NOEXEC: "noexec",
    f.MS_NOATIME: "noatime",
    f.MS_RELATIME: "relatime",
    f.MS_STRICTATIME: "strictatime",
}
PROPAGATION = {
    f.MS_PRIVATE: "private",
    f.MS_SLAVE: "slave",
    f.MS_SHARED: "shared",
    f.MS_UNBINDABLE: "unbindable",
}


def quote(word: str) -> str:
    """Quote a word for a shell, when it needs it. (shlex.quote would load `re`.)"""
    if word and all(c.isalnum() or c in "/._-=:,@%+" for c in word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


def command(*words: str) -> str:
    """Join words to a shell command; empty words are left out."""
    return " ".join(quote(word) for word in words if word)


def mount_command(source: str, target: str, fstype: str, flags: int, data: str) -> str:
    """Say a mount(2) as mount(8): the flags decide which of its five jobs it is."""
    for flag, word in PROPAGATION.items():
        if flags & flag:
            return command("mount", f"--make-{'r' if flags & f.MS_REC else ''}{word}", target)
    words = [word for flag, word in MOUNT_OPTIONS.items() if flags & flag]
    if flags & f.MS_REMOUNT:
        words = ["remount", *(["bind"] if flags & f.MS_BIND else []), *words]
        return command("mount", "-o", ",".join(words + ([data] if data else [])), target)
    if flags & f.MS_MOVE:
        return command("mount", "--move", source, target)
    if flags & f.MS_BIND:
        return command("mount", "--rbind" if flags & f.MS_REC else "--bind", source, target)
    options = ",".join(words + ([data] if data else []))
    return command("mount", "-t", fstype, *(["-o", options] if options else []), source, target)


def _attributes(attributes: int, recursive: bool) -> str:
    words = {f.MOUNT_ATTR_RDONLY: "ro", f.MOUNT_ATTR_NOSUID: "nosuid", f.MOUNT_ATTR_NODEV: "nodev",
             f.MOUNT_ATTR_NOEXEC: "noexec"}  # fmt: skip
    end = "=recursive" if recursive else ""
    return ",".join(word + end for flag, word in words.items() if attributes & flag)


def _namespaces(flags: int) -> str:
    return " ".join(word for flag, word in UNSHARE_OPTIONS.items() if flags & flag)


def _node(path: str, mode: int, device: tuple[int, int] = (0, 0)) -> str:
    kind = {f.S_IFCHR: "c", f.S_IFBLK: "b", f.S_IFIFO: "p"}.get(mode & 0o170000, "")
    if not kind:
        return command("touch", path)
    return command("mknod", "-m", f"{mode & 0o7777:o}", path, kind, *map(str, device))


def _write(path: str, text: str) -> str:
    return f"printf {quote(text.replace('%', '%%').replace(NEWLINE, ESCAPED))} > {quote(path)}"


# method → the shell command that does the same, from the method's own arguments
SHELL: dict[str, Callable[..., str]] = {
    "clone": lambda flags, cgroup_fd=None: f"unshare {_namespaces(flags)} …",
    "unshare": lambda flags: f"unshare {_namespaces(flags)} …",
    "setns": lambda fd, flags=0: "nsenter …",
    "kill": lambda pid, signal: f"kill -{signal} {pid}",
    "setsid": lambda: "setsid …",
    "mount": lambda source, target, fstype="", flags=0, data="": mount_command(
        source, target, fstype, flags, data
    ),
    "mount_setattr": lambda path, attributes, recursive=False: command(
        "mount", "-o", "remount,bind," + _attributes(attributes, recursive), path
    ),
    "bind_tree": lambda source, target, attributes: command(
        "mount", "--rbind", *(["-o", _attributes(attributes, True)] if attributes else []),
        source, target,
    ),
    "tree_of": lambda namespace, path: f"nsenter --mount … (a copy of {path})",
    "move_mount": lambda tree, target: command("mount", "--move", "…", target),
    "umount2": lambda target, flags=0: command(
        "umount", "--lazy" if flags & f.MNT_DETACH else "", target
    ),
    "pivot_root": lambda new, old: command("pivot_root", new, old),
    "chroot": lambda path: command("chroot", path),
    "chdir": lambda path: command("cd", path),
    "mkdir": lambda path, mode=0o755: command("mkdir", "-m", f"{mode:o}", path),
    "mknod": _node,
    "symlink": lambda target, path: command("ln", "-s", target, path),
    "shift_owners": lambda path, uid, gid: command("chown", "-hR", f"+{uid}:+{gid}", path),
    "let_pass": lambda path, gid: (
        f"{command('chgrp', str(gid), path)}; {command('chmod', '710', path)}"
    ),
    "fill_directory": lambda source, target: command("cp", "-a", f"{source}/.", target),
    "unlink": lambda path: command("rm", path),
    "rmdir": lambda path: command("rmdir", path),
    "remove_tree": lambda path, last="": command("rm", "-rf", path),
    "target": lambda root, path, kind="dir": (
        command("mkdir", "-p", root + path) if kind == "dir" else command("touch", root + path)
    ),
    "write": _write,
    "read": lambda path: command("cat", path),
    "sethostname": lambda name: command("hostname", name),
    "setdomainname": lambda name: command("domainname", name),
    "link_up": lambda name: command("ip", "link", "set", name, "up"),
    "run": lambda argv, stdin="": (
        command(*argv) + (f" <<'.'\n{stdin.rstrip()}\n." if stdin else "")
    ),
    "netlink": lambda protocol, messages, shell, pid=0: shell,
    "plug": lambda pid, device, configure, directory, name, address, alive: (
        f"nsenter --user --net --target {pid} ip tuntap add {device} mode tap"
    ),
    "start": lambda argv, directory, ready, more=None: (
        f"(cd {quote(directory)}; setpriv --pdeathsig KILL {command(*argv)}) {ready}>/dev/null &"
    ),
    "talk": lambda path, text: f"printf %s {quote(text)} | nc -U {quote(path)}",
    "route_add": lambda destination, gateway: command(
        "ip", "route", "add", destination, "via", gateway
    ),
    "rewrite": _write,
    "lock": lambda path: f"flock {quote(path)} …",
    "execve": lambda path, argv, env, gate=-1: "exec " + command(path, *argv[1:]),
    "setgroups": lambda groups: f"setpriv --groups {','.join(map(str, groups)) or '-'} …",
    "setresgid": lambda r, e, s: f"setpriv --regid {r} …",
    "setresuid": lambda r, e, s: f"setpriv --reuid {r} …",
    "umask": lambda mask: f"umask {mask:03o}",
    "capset": lambda effective, permitted, inheritable: f"capsh … (sets {permitted:#x})",
    "raise_ambient": lambda capabilities: f"setpriv --ambient-caps … ({capabilities:#x})",
    "join_session_keyring": lambda: "keyctl session - …",
    "seccomp": lambda program: f"bwrap --seccomp 3 3<FILTER … ({len(program) // 8} instructions)",
    "keep_capabilities": lambda keep: f"setpriv --bounding-set … ({keep:#x})",
}

# which arguments are flags, and how they are spelled: method → {position: prefix}
SPELLED = {
    "clone": {0: "CLONE_"},
    "unshare": {0: "CLONE_"},
    "setns": {1: "CLONE_"},
    "mount": {3: "MS_"},
    "mount_setattr": {1: "MOUNT_ATTR_"},
    "bind_tree": {2: "MOUNT_ATTR_"},
    "umount2": {1: "MNT_"},
}
# the same for arguments that are one constant, not bits
CONSTANTS = {("prctl", 0): "PR_", ("kill", 1): "SIG"}
CALLS = {"clone": "clone3", "target": "openat2", "tree_of": "open_tree",
         "bind_tree": "open_tree+mount_setattr+move_mount",
         "remove_tree": "unlink…", "fill_directory": "copy", "let_pass": "chmod",
         "run": "fork+execve", "talk": "connect+send", "netlink": "sendto",
         "plug": "ioctl TUNSETIFF",
         "filter_tap": "ioctl TUNATTACHFILTER", "link_up": "ioctl SIOCSIFFLAGS", "lock": "flock",
         "route_add": "ioctl SIOCADDRT", "rewrite": "pwrite",
         "reserve": "bind", "raise_ambient": "prctl", "join_session_keyring": "keyctl"}  # fmt: skip
QUIET = {"getpid", "exit", "wait_signal", "waitpid", "open", "close_range", "close_all_but", "read",
         "exists", "read_bytes", "kind", "capget", "geteuid", "is_locked", "ambient",
         "port_of", "source_address", "usable", "index_of",
         "device", "filesystem", "superblock", "sealed_program", "sealed_directory",
         "forget_environment", "sigprocmask", "signalfd", "default_signals"}  # fmt: skip


def spell(method: str, args: Sequence[Any]) -> str:
    """Write a call as in the man page: `mount("proc", "/proc", "proc", MS_NOSUID, "")`."""
    if method in ("run", "start"):  # what it reads stands in the shell command
        return f"fork+execve({' '.join(args[0])})"
    if method == "execve":
        args = args[:3]  # the gate is our way to do it
    elif method == "netlink":
        args = (b"".join(args[1]),)
    elif method == "plug":
        args = args[:2]
    prefixes = SPELLED.get(method, {})
    words = []
    for place, value in enumerate(args):
        if (method, place) in CONSTANTS:
            words.append(f.name_of(value, CONSTANTS[method, place]))
        elif method == "prctl" and args[0] == f.PR_SET_PDEATHSIG:
            words.append(f.name_of(value, "SIG"))
        elif place in prefixes:
            words.append(f.names(value, prefixes[place]))
        elif method in ("mkdir", "mknod", "umask") and isinstance(value, int):
            words.append(f"{value:#o}")
        elif method == "prctl" and args[0] == f.PR_CAPBSET_DROP:
            words.append(f.CAPABILITIES[value])
        elif method in ("capset", "keep_capabilities", "raise_ambient"):
            words.append(f"{value:#x}")
        elif isinstance(value, bytes):
            words.append(f"{len(value)} bytes")
        elif isinstance(value, dict):
            words.append(f"{{{len(value)} variables}}")
        else:
            words.append(
                '"' + value.replace("\n", "\\n") + '"' if isinstance(value, str) else repr(value)
            )
    return f"{CALLS.get(method, method)}({', '.join(words)})"


class Traced(Kernel):
    """Tell each call, then do it with another Kernel.

    `tell(method, spelled, shell, args)` is called before the call is done.
    """

    def __init__(self, kernel: Kernel, tell: Callable[[str, str, str, tuple[Any, ...]], None]):
        self.kernel = kernel
        self.tell = tell
        self.known: dict[str, str] = {}  # /proc/self/fd/N → the path that it stands for

    def __getattribute__(self, name: str) -> Any:
        if name not in METHODS:
            return object.__getattribute__(self, name)
        kernel = object.__getattribute__(self, "kernel")
        function = getattr(kernel, name)
        known = object.__getattribute__(self, "known")
        if name in QUIET and name != "open":
            return function
        tell = object.__getattribute__(self, "tell")

        def told(*args: Any, **named: Any) -> Any:
            shown = [known.get(a, a) if isinstance(a, str) else a for a in (*args, *named.values())]
            if name not in QUIET:
                shell = SHELL[name](*shown) if name in SHELL else ""
                tell(name, spell(name, shown), shell, tuple(shown))
            result = function(*args, **named)
            if name == "target":
                known[result] = str(args[0]).rstrip("/") + str(args[1])
            elif name == "open":
                known[f"/proc/self/fd/{result}"] = str(shown[0])
            return result

        return told


class Pretend(Kernel):
    """Do nothing, and answer as if it had gone well; `calls` keeps what was asked.

    For `--dry-run` (told by `Traced`) and for unit tests without privilege. `clone` and
    `fork` answer with a made-up pid: the one process then plays both parts.
    """

    def __init__(self, files: dict[str, str] | None = None) -> None:
        self.files = dict(files or {})
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattribute__(self, name: str) -> Any:
        if name not in METHODS or name in type(self).__dict__:
            return object.__getattribute__(self, name)
        calls = object.__getattribute__(self, "calls")

        def noted(*args: Any, **named: Any) -> Any:
            calls.append((name, (*args, *named.values())))
            return ANSWERS.get(name)

        return noted

    def read(self, path: str) -> str:
        self.calls.append(("read", (path,)))
        return self.files.get(path, "")

    def write(self, path: str, text: str) -> None:
        self.calls.append(("write", (path, text)))
        self.files[path] = text

    def rewrite(self, path: str, text: str) -> None:
        self.calls.append(("rewrite", (path, text)))
        self.files[path] = text

    def target(self, root: str, path: str, kind: str = "dir") -> str:
        self.calls.append(("target", (root, path, kind)))
        return root.rstrip("/") + "/" + path.strip("/")

    def execve(
        self, path: str, argv: Sequence[str], env: dict[str, str], gate: int = -1
    ) -> NoReturn:
        self.calls.append(("execve", (path, tuple(argv))))
        raise SystemExit(0)

    def exit(self, status: int) -> NoReturn:
        raise SystemExit(status)

    def getpid(self) -> int:
        return os.getpid()


ANSWERS: dict[str, Any] = {
    "clone": 4242,
    "fork": 4242,
    "waitpid": (4242, 0),
    "wait_signal": f.SIGCHLD,
    "sigprocmask": set(),
    "signalfd": -1,
    "open": 3,
    "tree_of": 3,
    "exists": True,
    "device": (1, 3),
    "filesystem": "",
    "superblock": 0,
    "sealed_program": 5,
    "sealed_directory": 6,
    "ambient": 0,
    "kind": "file",
    "read_bytes": b"",
    "geteuid": 0,
    "capget": ((1 << len(f.CAPABILITIES)) - 1, (1 << len(f.CAPABILITIES)) - 1, 0),
    "umask": 0o022,
    "run": "",
    "start": 4343,
    "talk": "", "plug": [],
    "lock": -1,
    "is_locked": True,
    "reserve": -1,
    "port_of": 32768,
    "usable": True,
    "index_of": 2,
    "source_address": "192.0.2.1",
}
METHODS = frozenset(
    name for kind in (Calls, Beside) for name in vars(kind) if not name.startswith("_")
)
