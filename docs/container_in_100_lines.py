#!/usr/bin/env python3
"""A container in 100 lines: a box with your own files in it, where you may break everything.

    python3 docs/container_in_100_lines.py                    a shell in the box
    python3 docs/container_in_100_lines.py COMMAND [ARG ...]  one command; its exit status is yours

No sudo is needed, and nothing is installed. A container is an ordinary process behind walls, and
Linux builds each wall when it is asked. In the box you are root and process 1, without power over
the machine. What you write there lies in memory, and is gone when the box ends. (Without sudo you
are root of your own files only: /usr/bin stays as it is. And before Linux 6.6, rm -r then removes
files, but not the folders that they were in: "Input/output error".)

`main` stays outside; `inside` builds the walls, from top to bottom. minidocker is this file, made
safe and whole: a stage for each step, and a lesson for each stage. Left out here: images, a way to
the network, a terminal of its own, a filter for system calls. So break what you like, but start
no program that you do not trust.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import sys

if sys.platform != "linux":
    sys.exit(f"a container needs Linux and Python 3.6 or newer, and this is {sys.platform}")

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 1 << 17, 1 << 25, 1 << 26, 1 << 27
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, SIGCHLD = 1 << 28, 1 << 29, 1 << 30, 17
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 1 << 12
MS_REC, MS_PRIVATE, MNT_DETACH, RLIMIT_NPROC, SIOCSIFFLAGS = 1 << 14, 1 << 18, 2, 6, 0x8914
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, CAPABILITY_VERSION_3 = 1, 38, 0x20080522
SYS_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}.get(os.uname().machine, -1)
UID, GID, GROUP = os.geteuid(), os.getegid(), "/sys/fs/cgroup/minidocker-door"
WALLS = CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP
SHELL = ["sh", "-c", "command -v bash >/dev/null && exec bash --norc; exec sh"]
FORBIDDING = ["kernel.unprivileged_userns_clone=0", "user.max_user_namespaces=0"]
FORBIDDING += ["kernel.apparmor_restrict_unprivileged_userns=1"]
libc, say = ctypes.PyDLL(None, use_errno=True), sys.stderr.write  # stdout is the command's


def main(words):
    """Stay outside: start the box, wait for its end, and look whether the host is unhurt."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.closerange(3, 1 << 16)  # what else the caller has open is not for the box
    passwd, foreground = open("/etc/passwd", "rb").read(), libc.tcgetpgrp(0)
    ours, theirs = socket.socketpair()
    # clone(2) is fork(2) with walls. CLONE_NEWNS is always one, or our mounts were the host's.
    child = libc.syscall(SYS_CLONE, WALLS | CLONE_NEWNS | (UID and CLONE_NEWUSER) | SIGCHLD, 0)
    child or inside([os.getcwd(), *(words or SHELL)], theirs)  # the child does not come back
    theirs.close()
    told = ours.recv(99).decode()
    if not told:  # where there is a child, it has said why
        return 1 if child > 0 else why(f"clone: {os.strerror(ctypes.get_errno())}")
    etc = os.open(f"/proc/{child}/root/etc", os.O_RDONLY)  # the box's, for a look at the end
    words or say(f"You are root in a box ({told}). Try:  echo $$   ps   rm /etc/passwd   exit\n")
    ours.send(b"go")
    status = os.waitpid(child, 0)[1]
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # the box's shell had the terminal last
    libc.tcsetpgrp(0, foreground)
    os.WIFSIGNALED(status) and os.system("stty sane 2>/dev/null")  # a shell that ends does it
    libc.rmdir(GROUP.encode())  # refused while another box is in it
    saw = "was still there" if "passwd" in os.listdir(etc) else "was gone"
    now = "is as it was" if open("/etc/passwd", "rb").read() == passwd else "HAS CHANGED"
    say(f"In the box, /etc/passwd {saw}. Outside, checked now, it {now}.\nNext:  make learn\n")
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def inside(words, theirs):
    """Build the walls, in the order of minidocker's STAGES; become the command `words[1:]`."""
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # when `main` ends, so does the box
    os.isatty(0) or os.setpgid(0, 0)  # "kill 0" in the box is not for the caller
    # user: it gives an ordinary user the rights for all the rest, in the box only
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {UID} 1"), ("gid_map", f"0 {GID} 1")):
        UID and open(f"/proc/self/{name}", "wb", 0).write(text.encode())
    # propagation: before any mount, or the host would get it too
    call("mount", None, "/", None, MS_REC | MS_PRIVATE, None)
    # layers: the host's folders, each below a layer in memory that takes what is written
    call("mount", "tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=512m")
    show("/")
    os.stat("/tmp/box/usr/bin")  # not there, if no overlay could be mounted
    # mounts: a /proc of this pid namespace; read-only, for /proc/sys is the whole machine's
    call("mount", "proc", "/tmp/box/proc", "proc", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, 0)
    # devices: no disks; read-only, or chmod(1) would reach the host's own
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        open(f"/tmp/box/dev/{name}", "w").close()
        for flags in (MS_BIND, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC):
            call("mount", f"/dev/{name}", f"/tmp/box/dev/{name}", None, flags, None)
    # cgroup: a limit for all of it, where there is a tree of version 2 that we may write to
    with contextlib.suppress(OSError):
        os.stat("/sys/fs/cgroup/cgroup.procs")
        os.makedirs(GROUP, exist_ok=True)
        for name, text in (("pids.max", b"256"), ("memory.max", b"1G"), ("cgroup.procs", b"0")):
            open(f"{GROUP}/{name}", "wb", 0).write(text)
    # rootfs: from here on, the host is out of sight
    call("pivot_root", "/tmp", "/tmp")
    call("umount2", "/", MNT_DETACH)
    os.chroot("/box")  # the layers are out of reach, and in a chroot no user namespace can be made
    os.chdir("/")
    # uts, network: a name, and a network of nothing but a loopback, which is set up
    WALLS & CLONE_NEWUTS and socket.sethostname("box")
    libc.ioctl(socket.socket().detach(), SIOCSIFFLAGS, b"lo" + bytes(14) + b"\1" + bytes(23))
    # rlimits: 500 processes more than there are; refused where less is allowed already
    most = int(open("/proc/loadavg").read().split()[3].split("/")[1]) + 500
    libc.setrlimit(RLIMIT_NPROC, (ctypes.c_ulong * 2)(most, most))
    # no_new_privs, capabilities: CAP_CHOWN, DAC_OVERRIDE, FOWNER and FSETID stay, power over files
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    head, sets = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3), (ctypes.c_uint32 * 6)(0x1B, 0x1B)
    call("capset", head, sets)
    # and the command, in the folder `words[0]`, as soon as `main` has had a look
    theirs.send(b"cgroup" if "door" in open("/proc/self/cgroup").read() else b"cgroup: none")
    theirs.recv(2) or os._exit(1)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    start = ["sh", "-c", 'cd "$0" 2>/dev/null; exec "$@"', *words]
    os.execve("/bin/sh", start, dict(os.environ, PS1="box # "))


def show(path):
    """Show a folder of the host's in the box, below a layer that takes what is written."""
    layer = f"/tmp/{len(os.listdir('/tmp'))}"
    for folder in (f"/tmp/box{path}", layer, f"{layer}/up", f"{layer}/work"):
        os.mkdir(folder, os.stat(path).st_mode)
    if f" {path}/".replace("//", "/") not in open("/proc/self/mountinfo").read():
        os.chdir(path)
        options = f"lowerdir=.,upperdir={layer}/up,workdir={layer}/work" + ",userxattr" * bool(UID)
        call("mount", "overlay", f"/tmp/box{path}", "overlay", MS_NOSUID | MS_NODEV, options)
        return
    for entry in os.scandir(path):  # an overlay shows nothing that is mounted further down
        with contextlib.suppress(OSError):  # what cannot be shown stays an empty folder
            if entry.path in ("/dev", "/proc", "/sys", "/tmp"):
                os.mkdir(f"/tmp/box{entry.path}")
            elif entry.is_symlink() or (entry.is_file() and entry.stat().st_size < 1 << 20):
                shutil.copy(entry.path, f"/tmp/box{entry.path}", follow_symlinks=False)
            elif entry.is_dir():
                show(entry.path)


def call(name, *args):
    """Call a function of the C library; where it says -1, raise an OSError that names it."""
    if getattr(libc, name)(*[a.encode() if isinstance(a, str) else a for a in args]) == -1:
        raise OSError(f"{name}: {os.strerror(ctypes.get_errno())}")


def why(failure):
    """Say in one sentence why there can be no box here, and what helps."""
    for setting in FORBIDDING:
        path, value = f"/proc/sys/{setting}".replace(".", "/").split("=")
        if UID and os.path.exists(path) and open(path).read().strip() == value:
            return f"{setting} forbids containers to ordinary users here: run this with sudo"
    if "/usr" in failure:
        return "no overlay can be mounted here: 'sudo modprobe overlay', or run this with sudo"
    return f"the kernel forbids it ({failure}); inside another container, that is usual"


if __name__ == "__main__":
    sys.excepthook = lambda kind, error, trace: say(f"{why(str(error))}\n")
    sys.exit(print(__doc__) if sys.argv[1:] in (["-h"], ["--help"]) else main(sys.argv[1:]))
