"""The attacks: what each one tries, its code, and what stops it.

Each is laid over lesson 01's solution and runs when the file is imported: with all rights that
learner code ever has. What it reaches goes into `reached`, and so into the check's message; all
of it works on things of the test's own making: CANARY, a folder with files of the caller's.
Bounds: 1 GB, 400 processes, seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Attack:
    """One attack; `kind` is what it wants: host, points, denial or report."""

    name: str
    kind: str
    tries: str
    stopped_by: str
    code: str


ATTACKS = [
    Attack("reads the caller's private file", "host", "open a file that only the caller may read",
           "the cell's root shows programs and Python, not the host's tree", """
for path in (CANARY + "/private", "/proc/1/root" + CANARY + "/private",
             "/proc/self/root" + CANARY + "/private", "/proc/1/cwd/../../.." + CANARY + "/private"):
    try:
        reached.append(open(path).read())
    except OSError:
        pass
"""),
    Attack("takes covers off", "host", "umount everything, then look for the course",
           "nothing is covered: what is not shown was never there", """
for line in reversed(open("/proc/self/mountinfo").read().splitlines()):
    point = line.split()[4]
    if point not in ("/", "/proc"):
        try:
            kernel.umount2(point, 2)
        except OSError:
            pass
for top, folders, files in os.walk("/"):
    folders[:] = [one for one in folders if (top, one) not in (("/", "proc"), ("/", "usr"))]
    reached += [f"{top}/{one}" for one in (*folders, *files)
                if one in ("solutions", "lessons", "course.toml", ".git", "stages", "grader", "private")
                and (one in files or os.listdir(f"{top}/{one}"))]
"""),
    Attack("mounts the host's disk", "host", "make a node of each disk and mount it",
           "mknod of a device needs the first user namespace", """
for line in open("/proc/partitions").read().split("\\n")[2:]:
    if line:
        major, minor, _, name = line.split()
        try:
            os.mknod("/tmp/" + name, 0o60600, os.makedev(int(major), int(minor)))
            open("/tmp/" + name, "rb").read(1)
            reached.append(name)
        except OSError:
            pass
"""),
    Attack("has the disk's node mounted", "host", "ask for a node of each disk, mount it, read it",
           "a node of the cell's own file system is opened by no kernel", """
for line in open("/proc/partitions").read().split("\\n")[2:]:
    for kind in (0o60600, 0o20600) if line else ():
        major, minor, _, name = line.split()
        path, number = f"/tmp/{name}-{kind}", (int(major), int(minor))
        try:
            kernel.mknod(path, kind, number)
        except OSError:
            continue
        for fstype in ("ext4", "xfs", "btrfs", "vfat"):
            try:
                kernel.mount(path, "/mnt", fstype, 1)
                reached.append(f"{name} mounted")
            except OSError:
                pass
        try:
            kernel.mount(path, path, "", 4096)
            kernel.mount("", path, "", 4096 | 32)
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
            reached.append(name)
        except OSError:
            pass
for number in ((1, 1), (1, 2), (1, 4), (1, 11), (10, 200), (10, 229), (10, 237), (4, 0), (5, 1)):
    try:
        kernel.mknod(f"/tmp/c{number}", 0o20666, number)
        os.close(os.open(f"/tmp/c{number}", os.O_RDWR | os.O_NONBLOCK))
        reached.append(str(number))
    except OSError:
        pass
"""),
    Attack("sends the clerk astray", "host", "ask for nodes by names that lead to what is the host's",
           "the clerk stands where the asker stands, as the cell's root or as nobody", """
names = ["/usr/evil", "/usr/bin/evil", "/etc/alternatives/evil", "/proc/evil", "/proc/1/root/usr/evil",
         "/proc/self/root/usr/evil", "../" * 40 + "usr/evil", CANARY + "/evil", "/tmp/way/evil",
         "/proc/self/fd/0/evil", "/dev/null", "", "/", "x" * 5000]
os.symlink("/usr", "/tmp/way")
for name in names:
    for mode, number in ((0o20666, (1, 3)), (0o20666, (1, 5)), (0o60666, (8, 0)), (0o20666, (5, 2))):
        try:
            kernel.mknod(name, mode, number)
            reached.append(name[:40])
        except (OSError, ValueError):
            pass
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for address in (0, 1, 1 << 47, (1 << 64) - 8):
    libc.mknod(ctypes.c_void_p(address), 0o20666, 0x103) == 0 and reached.append("a wild pointer")
libc.mknodat(99, b"evil", 0o20666, 0x103) == 0 and reached.append("no directory")
"""),
    Attack("writes global settings", "host", "write /proc/sys, also through a fresh procfs",
           "the global settings belong to the host's root, who is not in the cell", """
for place in ("/proc", "/tmp/proc"):
    os.makedirs(place, exist_ok=True)
    try:
        place == "/proc" or kernel.mount("proc", place, "proc")
    except OSError:
        pass
    for name in ("kernel/core_pattern", "kernel/modprobe", "kernel/panic", "kernel/sysrq",
                 "vm/overcommit_memory", "fs/file-max", "kernel/threads-max", "vm/drop_caches",
                 "kernel/randomize_va_space", "kernel/printk"):
        try:
            path = f"{place}/sys/{name}"
            text = open(path).read() if name != "vm/drop_caches" else "1"
            open(path, "w").write(text)
            reached.append(path)
        except OSError:
            pass
for name in ("sysrq-trigger", "kcore", "kmsg", "self/timens_offsets/x"):
    try:
        os.close(os.open("/proc/" + name, os.O_WRONLY))
        reached.append(name)
    except OSError:
        pass
"""),
    Attack("mounts what tells and rules", "host",
           "mount sysfs, debugfs, tracefs, bpf, and version 1 groups with a release_agent",
           "those file systems are not for a user namespace, or their files are root's", """
for kind, data in (("sysfs", ""), ("debugfs", ""), ("tracefs", ""), ("securityfs", ""),
                   ("bpf", ""), ("configfs", ""), ("cgroup", "memory"), ("cgroup", "pids"),
                   ("cgroup", "none,name=evil"), ("fuse", ""), ("ext4", ""), ("devtmpfs", "")):
    place = "/tmp/fs-" + kind
    os.makedirs(place, exist_ok=True)
    try:
        kernel.mount("none", place, kind, 0, data)
    except OSError:
        continue
    for top, folders, files in os.walk(place):
        for one in files[:200]:
            try:
                os.close(os.open(f"{top}/{one}", os.O_WRONLY | os.O_NONBLOCK))
                reached.append(f"{top}/{one}")
            except OSError:
                pass
        folders[:] = folders[:20]
    kernel.umount2(place, 2)
reached = [one for one in reached if "/fs-sysfs/" not in one or "net/" not in one]
"""),
    Attack("looks for processes outside", "host", "signal, trace and enter everything with a number",
           "a pid namespace shows no process of the host, and its numbers lead nowhere", """
for pid in range(0, 400):
    for name in ("environ", "mem"):
        try:
            text = open(f"/proc/{pid}/{name}", "rb").read(4000)
            if b"HOSTILE_TOKEN" in text:
                reached.append(f"{pid}/{name}")
        except OSError:
            pass
"""),
    Attack("reads the caller's keys", "host", "describe and read the session keyring",
           "a session keyring of its own", """
import ctypes
libc = ctypes.CDLL(None)
number = {"x86_64": 250, "aarch64": 219}[os.uname().machine]
for ring in (-3, -4, -5):
    found = libc.syscall(number, 10, ring, b"user", b"minidocker-hostile", 0)
    if found > 0:
        reached.append("a key")
"""),
    Attack("sets the clock and the power", "host", "settime, reboot, load a module",
           "the capabilities are good in the cell's own user namespace only", """
import ctypes
libc = ctypes.CDLL(None)
now = (ctypes.c_long * 2)(1, 0)
libc.clock_settime(0, now) == 0 and reached.append("the clock")
libc.swapoff(b"/nothing") == 0 and reached.append("swap")
libc.acct(None) == 0 and reached.append("accounting")
libc.sethostname(b"harmed", 6)
"""),
    Attack("opens by handle", "host", "open the host's root by its inode number",
           "open_by_handle_at needs a capability of the first user namespace", """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
handle = ctypes.create_string_buffer(b"\\x08\\0\\0\\0\\x01\\0\\0\\0" + b"\\x02\\0\\0\\0\\0\\0\\0\\0")
for place in ("/usr", "/etc/alternatives", "/"):
    try:
        fd = os.open(place, os.O_RDONLY)
    except OSError:
        continue
    root = libc.open_by_handle_at(fd, handle, 0)
    if root >= 0:
        reached += os.listdir(root)
"""),
    Attack("imports the answers", "points", "import the stages, the grader, the scenes, the tests",
           "the package shows its interface only", """
import sys
for name in ("stages.pid", "grader.judge", "course.messages", "runtime.host", "seccomp.compiler"):
    try:
        __import__("minidocker." + name)
        reached.append(name)
    except ImportError:
        pass
reached += [name for name, module in sys.modules.items() if getattr(module, "__file__", None)
            and name.startswith(("minidocker.stages", "minidocker.grader", "minidocker.course",
                                 "minidocker.runtime"))]
"""),
    Attack("searches its memory for the answers", "points", "find names of checks by gc",
           "no check, expected value or message ever enters the cell", """
import gc
for one in gc.get_objects():
    if isinstance(one, dict):
        reached += [key for key in list(one) if isinstance(key, str)
                    and key in ("MD0101", "spawn_first", "test_spawn_first", "hints")]
"""),
    Attack("speaks for process 1", "points", "find the grader's control socket and tell of success",
           "process 1 can say that the scene ended, and nothing that earns", """
for pid in (1,):
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                found = kernel.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY)
                os.write(found, b'{"event": "returned", "value": 3, "ended": 0}')
            except OSError:
                pass
    except OSError:
        pass
"""),
    Attack("takes process 1 over", "points", "trace it, read its memory, take its descriptors",
           "process 1 is not dumpable: only the host's root may look into it", """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace(0x4206, 1, None, None) == 0 and reached.append("traced")
try:
    os.close(os.open("/proc/1/mem", os.O_RDWR))
    reached.append("its memory")
except OSError:
    pass
fd = libc.syscall(434, 1, 0)
reached += [f"descriptor {n}" for n in range(400) if libc.syscall(438, fd, n, 0) >= 0]
"""),
    Attack("reads the scene's frames", "points", "walk the frames for what the check has said",
           "only what the function is given anyway is still in the scene's process", """
import sys
frame = sys._getframe()
while frame:
    for name, value in frame.f_locals.items():
        if name == "order" and {"args", "scene"} & set(value):
            reached.append("the order")
    frame = frame.f_back
"""),
    Attack("signs with another's number", "points", "SCM_CREDENTIALS of another process, by any call",
           "a filter leaves the calls that the kernel signs itself", """
import ctypes, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
other = os.fork()
if other == 0:
    os.read(os.pipe()[0], 1)
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
signed = [(socket.SOL_SOCKET, 2, struct.pack("=iII", other, 0, 0))]
for one in (ours, socket.socket(fileno=203)):
    try:
        one.sendmsg([b'{"event": "results", "seen": []}'], signed)
        reached.append(f"signed as {other}")
    except OSError:
        pass
    one.fileno() == 203 and one.detach()
head = (ctypes.c_char * 64)()
numbers = {"x86_64": (307, 0x40000000 + 518, 0x40000000 + 538), "aarch64": (269,)}[os.uname().machine]
for number in numbers:
    libc.syscall(number, ours.fileno(), head, 0, 0) >= 0 and reached.append(f"call {number}")
params = (ctypes.c_char * 120)()
libc.syscall(425, 4, params) >= 0 and reached.append("a ring")
os.kill(other, 9)
"""),
    Attack("makes networks without end", "denial", "unshare 1000 network namespaces, and keep each open",
           "the room has 100 namespaces of each kind, and nobody in it may raise that", """
def raise_it():
    for name in ("net", "user"):
        try:
            open(f"/proc/sys/user/max_{name}_namespaces", "w").write("100000")
        except OSError:
            pass
raise_it()
kept = []
try:
    while len(kept) < 900:
        kernel.unshare(0x40000000)
        kept.append(os.open("/proc/self/ns/net", os.O_RDONLY))
except OSError:
    pass
if os.fork() == 0:
    try:
        kernel.unshare(0x10000000)
        raise_it()
        kernel.unshare(0x40000000)
        os._exit(1)
    except OSError:
        os._exit(0)
if len(kept) > 100 or os.wait()[1]:
    reached.append(f"{len(kept)} networks")
"""),
    Attack("takes memory by many processes", "denial", "900 MB, each process below its own limit",
           "a memory group, or RLIMIT_AS times the number of processes", """
pids, done = [], []
for number in range(9):
    done.append("/tmp/taken" + str(number))
    pid = os.fork()
    if pid == 0:
        block = bytearray(100 << 20)
        for at in range(0, len(block), 4096):
            block[at] = 1
        os.mkdir(done[-1])
        os.write(203, b'{"event": "step", "text": "taken"}')
        os.pause() if hasattr(os, "pause") else __import__("signal").pause()
    pids.append(pid)
__import__("time").sleep(1.5)
alive = sum(os.path.exists(path) and open(f"/proc/{pid}/stat").read().split()[2] != "Z"
            for pid, path in zip(pids, done))
alive > 5 and MEMORY_GROUPS and reached.append(f"{alive} times 100 MB")
"""),
    Attack("takes all process numbers", "denial", "fork until the kernel refuses, limit raised first",
           "RLIMIT_NPROC of the user namespace, a pids group", """
try:
    kernel.write("/proc/sys/kernel/pid_max", "30000")
except OSError:
    pass
__import__("resource").setrlimit
count = 0
try:
    for count in range(900):
        if os.fork() == 0:
            __import__("signal").pause()
except OSError:
    pass
count > 420 and reached.append(f"{count} processes")
"""),
    Attack("is busy and deaf", "denial", "loop in a child, ignore every signal, answer nothing",
           "a bound on the processor time and on the whole check", """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    pass
"""),
    Attack("writes lines without end", "denial", "valid messages on the line to the check, for ever",
           "a bound on their number, and one on the whole check", """
while True:
    os.write(203, b'{"event": "step", "text": "more"}')
"""),
    Attack("writes a line now and then", "denial", "a valid message before each wait would end",
           "the bound of the check is renewed by nothing", """
import signal
signal.signal(17, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        end = __import__("time").process_time() + 0.2
        while __import__("time").process_time() < end:
            pass
        os._exit(0)
    os.write(203, b'{"event": "step", "text": "more"}')
    __import__("time").sleep(0.3)
"""),
    Attack("stops everything", "denial", "SIGSTOP to every process, its own parent and group too",
           "process 1 takes no signal from inside; a check has a bound", """
import signal
for pid in (os.getppid(), 1, -1, 0):
    try:
        os.kill(pid, signal.SIGSTOP)
    except OSError:
        pass
"""),
    Attack("nests a message deeply", "report", "50 000 brackets on the line",
           "depth, size and types are checked: noise is a fail", """
os.write(203, b"[" * 50_000)
"""),
    Attack("says that the scene is broken", "report", "the word by which a scene tells of our own fault",
           "our own solution is judged before anything is called our fault", """
os.write(203, b'{"event": "broken", "kind": "OSError", "text": "the grader"}')
__import__("time").sleep(0.2)
"""),
    Attack("closes every descriptor", "report", "close the line, the output, all",
           "a line that is closed ends the check, as the code's own doing", """
os.closerange(0, 4096)
"""),
    Attack("changes Python beneath the scene", "report", "json, len and isinstance do something else",
           "the scene only answers; what it cannot say is a fail", """
import builtins, json
json.dumps = lambda *args, **named: '{"event": "results", "seen": []}'
builtins.len = builtins.isinstance = None
"""),
    Attack("writes to the terminal", "report", "control sequences, directions, lone surrogates",
           "every text is made inert before it is shown", """
raise ValueError("\\x1b[2J\\x1b]0;title\\x07 \\udc80 \\u202e \\x9b31m \\r pass")
"""),
    Attack("raises what cannot be told", "report", "an exception whose text raises",
           "whatever an object does when it is asked is caught", """
class Odd(BaseException):
    def __str__(self): raise Odd
    __repr__ = __str__
raise Odd
"""),
    Attack("leaves notes for the next cell", "host",
           "shared memory, a queue, a key, an abstract socket and a daemon that outlives the check",
           "namespaces and ids of its own for each cell, and all of it ends with process 1", """
import ctypes, socket
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 248, "aarch64": 217}[os.uname().machine]
libc.shmget(0x6d64, 4096, 0o1666)
libc.mq_open(b"/minidocker-note", os.O_CREAT, 0o666, None)
for ring in (-3, -4, -5):
    libc.syscall(number, b"user", b"minidocker-note", b"x", 1, ring)
if os.fork() == 0:
    os.setsid()
    kernel.unshare(0x20000000 | 0x10000000)  # CLONE_NEWPID | CLONE_NEWUSER
    if os.fork() == 0:
        note = socket.socket(socket.AF_UNIX)
        note.bind("\\0minidocker-note")
        note.listen()
        __import__("signal").pause()
    os._exit(0)
__import__("time").sleep(0.1)
"""),
    Attack("looks for the notes of another cell", "host", "what a cell before this one has left",
           "namespaces and ids of its own for each cell, and all of it ends with process 1", """
import ctypes, socket
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 250, "aarch64": 219}[os.uname().machine]
libc.shmget(0x6d64, 0, 0) >= 0 and reached.append("shared memory")
libc.mq_open(b"/minidocker-note", os.O_RDONLY) >= 0 and reached.append("a queue")
reached += [f"a key of {ring}" for ring in (-3, -4, -5)
            if libc.syscall(number, 10, ring, b"user", b"minidocker-note", 0) > 0]
try:
    socket.socket(socket.AF_UNIX).connect("\\0minidocker-note")
    reached.append("a socket")
except OSError:
    pass
"""),
    Attack("fills the disk", "denial", "a file of 1 TB, and as many of 16 MB as there is room for",
           "RLIMIT_FSIZE, and a file system in memory that is small and counted", """
taken = 0
try:
    with open("/tmp/large", "wb") as file:
        file.truncate(1 << 40)
    reached.append("1 TB")
except OSError:
    pass
for place in ("/tmp", "/srv", "/root", "/var/tmp", "/dev/shm", "/run"):
    try:
        os.makedirs(place, exist_ok=True)
        for count in range(64):
            fd = os.open(f"{place}/part{count}", os.O_CREAT | os.O_WRONLY)
            os.posix_fallocate(fd, 0, 15 << 20)
            os.close(fd)
            taken += 15
    except OSError:
        pass
taken > 600 and reached.append(f"{taken} MB")
"""),
    Attack("takes all watches", "denial", "as many inotify instances as the kernel gives",
           "they count for the cell's user namespace, not for the host's root", """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
while libc.inotify_init1(0) >= 0:
    pass
"""),
    Attack("hooks Python's events", "report", "an audit hook and a tracer that end the process",
           "a scene that ends without an answer is a fail", """
import sys
sys.addaudithook(lambda event, args: event == "open" and os._exit(0))
sys.settrace(lambda *args: os._exit(0))
"""),
    Attack("takes memory that is no process's", "denial",
           "2 GB in memfds, 2 GB in System V segments, of no process's size",
           "the memory group counts them; without one the size of a file and of a segment is limited", """
import ctypes
held, files = 0, []
try:
    while held < 2 << 30:
        files.append(os.memfd_create("held"))
        held += sum(os.write(files[-1], b"x" * (1 << 20)) for _ in range(32))
except (OSError, MemoryError):
    pass
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
for key in range(64):
    segment = libc.shmget(key + 77, 32 << 20, 0o1600)
    place = libc.shmat(segment, None, 0) if segment >= 0 else None
    if place in (None, ctypes.c_void_p(-1).value):
        break
    ctypes.memset(place, 1, 32 << 20)
    libc.shmdt(ctypes.c_void_p(place))
    held += 32 << 20
held >= 2 << 30 and MEMORY_GROUPS and reached.append(f"{held >> 20} MB")
"""),
    Attack("fills sockets that nobody reads", "denial", "700 MB in the buffers of 480 pairs",
           "the memory group counts the kernel's memory; a buffer has a limit of its own", """
import socket
held, pairs = 0, []
try:
    while held < 700 << 20 and len(pairs) < 480:
        pairs.append(socket.socketpair())
        for one in pairs[-1]:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 26)
            one.setblocking(False)
            try:
                while True:
                    held += one.send(b"x" * (1 << 18))
            except BlockingIOError:
                pass
except (OSError, MemoryError):
    pass
held >= 700 << 20 and MEMORY_GROUPS and reached.append(f"{held >> 20} MB")
"""),
    Attack("types at the caller's terminal", "host", "open each terminal, and put a line into its input",
           "the cell has a session without a terminal, and a devpts of its own or none", """
import fcntl
for path in ("/dev/tty", "/dev/console", "/dev/tty0", *(f"/dev/pts/{n}" for n in range(30))):
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        fcntl.ioctl(fd, 0x5412, b"#")  # TIOCSTI
        reached.append(path)
    except OSError:
        pass
"""),
    Attack("looks for a file that is open", "host", "a descriptor of a file, or of a directory outside",
           "a cell inherits its line and pipes; what is said goes through a pipe, not into a file", """
import fcntl, stat
here = os.stat("/")
for name in os.listdir("/proc/self/fd"):
    try:
        found, how = os.fstat(int(name)), fcntl.fcntl(int(name), fcntl.F_GETFL)
    except OSError:
        continue
    place = os.readlink("/proc/self/fd/" + name)
    if stat.S_ISREG(found.st_mode) and how & 3 or stat.S_ISDIR(found.st_mode) and "/proc" not in place:
        reached.append(place)
"""),
    Attack("asks for the first place", "denial", "realtime, a better priority, memory that stays",
           "all three need rights over the machine, not over the cell", """
import ctypes
for policy in (os.SCHED_FIFO, os.SCHED_RR):
    try:
        os.sched_setscheduler(0, policy, os.sched_param(50))
        reached.append("realtime")
    except OSError:
        pass
try:
    os.setpriority(os.PRIO_PROCESS, 0, -15)
    reached.append("priority")
except OSError:
    pass
"""),
    Attack("gives process 1 children", "report", "200 children by CLONE_PARENT, that end at once",
           "process 1 reaps whoever is its child, and waits for one", """
import ctypes
libc = ctypes.CDLL(None)
clone = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
for _ in range(200):
    if libc.syscall(clone, 0x8000 | 17, 0, 0, 0, 0) == 0:
        os._exit(0)
"""),
    Attack("mounts without end", "denial", "each tree in itself, twice as many each time",
           "the kernel's own limit of mounts, of the cell's namespace", """
made = 0
try:
    while made < 40:
        kernel.mount("/tmp", "/tmp", "", 4096 | 16384)
        made += 1
    reached.append(f"{made} times twice as many")
except OSError:
    pass
"""),
    Attack("prints without end", "report", "64 kB at a time, to both outputs, for a minute",
           "what is printed is kept to a measure, and the check's bound goes on", """
import time
end = time.monotonic() + 60
while time.monotonic() < end:
    os.write(1, b"\\x1b[2J" + b"x" * 65536)
    os.write(2, b"y" * 65536)
"""),
    Attack("raises a chain of errors", "report", "20 000 errors, each the cause of the next",
           "the last one is told, in few lines", """
problem = None
for _ in range(20000):
    problem, cause = RuntimeError("x" * 100), problem
    problem.__cause__ = cause
raise problem
"""),
]  # fmt: skip


@dataclass(frozen=True)
class Work:
    """An attack from within the work of one check: it is laid over that lesson's solution."""

    lesson: str
    check: str
    name: str
    code: str


DEEP = """
def dig(place):
    here = os.open(".", os.O_RDONLY)
    os.chdir(place)
    for _ in range(3000):
        os.mkdir("d")
        os.chdir("d")
    os.fchdir(here)
"""
FRAMES = """
import sys
def told():
    frame, seen = sys._getframe(2), ""
    while frame:
        seen += repr({name: value for name, value in frame.f_locals.items() if name != "learner"})
        frame = frame.f_back
    return seen
"""
WORK = [
    Work("12_layers", "apply_tree", "a tree that is too deep to be walked", DEEP + """
from_the_solution = apply_layer
def apply_layer(tar, directory):
    from_the_solution(tar, directory)
    dig(directory)
"""),
    Work("12_layers", "apply_tree", "a pipe in the place of the tree", """
def apply_layer(tar, directory):
    shutil.rmtree(directory)
    os.mkfifo(directory)
"""),
    Work("12_layers", "apply_tree", "a procfs over the tree", """
import ctypes
def apply_layer(tar, directory):
    ctypes.CDLL(None).mount(b"proc", directory.encode(), b"proc", 0, None)
"""),
    Work("12_layers", "round_trip", "a procfs over /tmp", """
import ctypes
def apply_layer(tar, directory):
    ctypes.CDLL(None).mount(b"/proc", b"/tmp", b"", 4096 | 16384, None)
"""),
    Work("12_layers", "apply_tree", "names that are no text", """
from_the_solution = apply_layer
def apply_layer(tar, directory):
    from_the_solution(tar, directory)
    for name in (b"\\xff\\xfe", b"a\\nb", b"\\x1b[2J", b"\\xed\\xb2\\x80"):
        open(directory.encode() + b"/" + name, "w").close()
"""),
    Work("12_layers", "pack_same", "a pipe for an archive", """
def pack(upper, tar, newest=None):
    os.path.lexists(tar) or os.mkfifo(tar)
"""),
    Work("12_layers", "pack_same", "a link to memory for an archive", """
def pack(upper, tar, newest=None):
    os.path.lexists(tar) or os.symlink("/proc/self/mem", tar)
"""),
    Work("12_layers", "pack_files", "an archive of a million gigabytes", """
import gzip
def pack(upper, tar, newest=None):
    one = tarfile.TarInfo("x")
    one.size = 1 << 50
    with gzip.open(tar, "wb") as file:
        file.write(one.tobuf() + bytes(8 << 20))
"""),
    Work("12_layers", "pack_same", "times and sizes that are no numbers", """
def pack(upper, tar, newest=None):
    with tarfile.open(tar, "w", format=tarfile.PAX_FORMAT) as archive:
        one = tarfile.TarInfo("x")
        one.pax_headers = {"mtime": "nan", "size": "9" * 20, "SCHILY.xattr.user.a": "x" * 2_000_000}
        archive.addfile(one)
"""),
    Work("12_layers", "cache_hits", "a key of ten million letters", """
def cache_key(parent, instruction, files):
    return "0" * 10_000_000
"""),
    Work("14_engine", "exec_place", "PID 1 itself as the answer", """
def exec_in(kernel, container, argv):
    return container.pid
"""),
    Work("14_engine", "exec_power", "the end of PID 1, and a number that no process has", """
def exec_in(kernel, container, argv):
    os.kill(container.pid, 9)
    return 10**30
"""),
    Work("14_engine", "stop_nobody_else", "the end of everybody", """
def stop(pidfd, grace):
    os.kill(-1, 9)
"""),
    Work("14_engine", "stop_grace", "its own stop", """
def stop(pidfd, grace):
    os.kill(os.getpid(), 19)
"""),
    Work("14_engine", "supervise_ends", "waits that are no numbers", """
def supervise(start, policy, clock):
    for wait in (float("nan"), float("-inf"), True, 1e300):
        clock.sleep(wait)
    return float("nan")
"""),
    Work("14_engine", "log_pump", "entries of another kind", """
def log_pump(streams, write):
    write(None, b"x" * 50_000_000)
"""),
    Work("14_engine", "status_told", "Python without dict and str", """
import builtins
def status_of(record, proc):
    builtins.dict = builtins.str = builtins.sorted = None
    return "running"
"""),
    Work("05_cgroups", "place", "a frozen cgroup of its own", """
def place(kernel, path, pid):
    kernel.write(f"{ROOT}/grader/cgroup.freeze", "1")
"""),
    Work("05_cgroups", "why_words", "the scene's frames, for how each process ended", FRAMES + """
def why_died(path, status):
    raise ValueError("REACH" "ED" if "'end'" in told() else "held")
"""),
    Work("15_your_own_docker", "start_refuses", "the scene's frames, for which is which", FRAMES + """
def start(directory):
    raise KeyError("REACH" "ED" if "'never'" in told() or "'loop'" in told() else "held")
"""),
    Work("02_mounts", "private_below", "mounts that double", """
def make_private(kernel):
    try:
        for _ in range(20):
            kernel.mount("/", "/mnt", "", MS_BIND | MS_REC)
    except OSError:
        pass
"""),
]  # fmt: skip
