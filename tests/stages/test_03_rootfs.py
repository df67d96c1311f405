"""Checks of lesson 03: the root file system.

Each one lets the learner's function change a root or a mount in a cell, and asks the kernel, from
outside the cell, what is so: mount tables, root and working directories, device numbers,
descriptors. Every tree holds a token of its own, so that a read says where it ended.
"""

import os
import random
import stat

from looking_at_orders import explained
from looking_at_refusals import errors_come_out

from minidocker.course.outcomes import Fail, compared, good
from minidocker.grader.budget import Budget
from minidocker.grader.probe import Gone
from minidocker.proc import mounts

BELOW = ("/data", "/data/deeper")  # what scenes_03_rootfs.grow mounts in the new root


def names():
    """A new root that no file can know beforehand, and three tokens: /, /tmp, the new root."""
    tokens = [f"{word} {random.getrandbits(64):x}" for word in ("host", "host", "container")]
    return {"root": f"/tmp/a box{random.randrange(10**6)}", "tokens": tokens}


# --- looking from outside ----------------------------------------------------------------------


def identity(one, path):
    """Device and inode number of PID/root or the like: the same pair, the same directory."""
    found = os.stat(path, dir_fd=one.proc.descriptor)
    return found.st_dev, found.st_ino


def top(one, path):
    """Go up by ".." until it goes no higher."""
    while identity(one, path) != identity(one, f"{path}/.."):
        path = f"{path}/.."
    return identity(one, path)


def read(one, path):
    """Read a small file below /proc/PID; "" when there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=one.proc.descriptor)
    except OSError:
        return ""
    try:
        return os.read(fd, 200).decode(errors="replace")
    finally:
        os.close(fd)


def table(one, pid):
    """The mount table of a process of the cell."""
    return mounts.parse(one.proc.read(pid, "mountinfo"))


def of_the_host(one):
    """What is mounted for process 1 of the cell, the scenes' host: {(device, its directory)}."""
    return {(m.device, m.root) for m in table(one, 1) if not m.point.startswith("/tmp/")}


def at(mounts, point):
    """The mount that one reaches at a mount point: the topmost; None when there is none."""
    return next((item for item in reversed(mounts) if item.point == point), None)


def is_directory(one, pid, number):
    """Whether a descriptor of a process is a directory."""
    try:
        return stat.S_ISDIR(os.stat(f"{pid}/fd/{number}", dir_fd=one.proc.descriptor).st_mode)
    except OSError:
        return False


def mount_of(one, pid, number):
    """The id of the mount that a descriptor leads to."""
    for line in one.proc.read(pid, f"fdinfo/{number}").splitlines():
        if line.startswith("mnt_id:"):
            return int(line.split()[1])
    return 0


# --- pivot -------------------------------------------------------------------------------------


def has_new_root(one, pid, place, ran):
    """The root holds the new root's token, and what is mounted below it came along."""
    token, wanted = read(one, f"{pid}/root/token"), place["tokens"][2]
    if token != wanted:
        raise Fail("MD0303", ran=ran, expected=f"/token says {wanted!r}",
                   kernel=f"it says {token!r}")  # fmt: skip
    points = {item.point for item in table(one, pid)}
    lines = compared(set(BELOW), set(BELOW) & points)
    if not good(lines):
        raise Fail("MD0304", ran=ran, lines=lines)
    more = options(at(table(one, pid), "/")) - options(under(one, place["root"]))
    if more:
        raise Fail("MD0325", ran=ran, expected="/ has the options that the directory had",
                   kernel=f"it is {' '.join(sorted(more))} as well")  # fmt: skip


def options(mount):
    """What a mount forbids: a set of words."""
    return {"ro", "nodev", "noexec"} & set(mount.options if mount else ())


def under(one, path):
    """The mount of the scenes' host that a directory lies on."""
    found = table(one, 1)
    while (mount := at(found, path)) is None and path != "/":
        path = os.path.dirname(path)
    return mount


def host_is_gone(one, pid, ran):
    """The mount table shows the new root and what is below, and nothing else."""
    mounts = table(one, pid)
    points = [item.point for item in mounts]
    wanted = ["/", *BELOW]
    if "/" not in points:
        raise Fail("MD0305", ran=ran, expected="a line for / in /proc/PID/mountinfo",
                   kernel="mounts at " + " ".join(points[:4]))  # fmt: skip
    rest = [item.point for item in mounts if (item.device, item.root) in of_the_host(one)]
    if rest or len(points) > len(wanted):
        shown = rest or points
        more = [f"… and {len(shown) - 4} more"] if len(shown) > 4 else []
        raise Fail("MD0306", ran=ran, expected=f"{len(wanted)} mounts: {' '.join(wanted)}",
                   kernel=f"{len(points)} mounts",
                   lines=[("BAD", text) for text in shown[:4] + more])  # fmt: skip
    inside = {item.id for item in mounts}
    for number in one.files(pid).as_root(lambda: descriptors_of(one, pid)):
        if is_directory(one, pid, number) and mount_of(one, pid, number) not in inside:
            raise Fail("MD0323", ran=ran, expected="no open directory of the old root",
                       kernel=f"descriptor {number} is one")  # fmt: skip
    if top(one, f"{pid}/root") != identity(one, f"{pid}/root"):
        raise Fail("MD0305", ran=ran, expected="nothing above /", kernel='"/.." leads out of it')


def works_inside(one, pid, ran):
    """Going up from the working directory must end at the new root."""
    if identity(one, f"{pid}/cwd") != identity(one, f"{pid}/root"):
        outside = top(one, f"{pid}/cwd") != identity(one, f"{pid}/root")
        up = read(one, f"{pid}/cwd/../../token")
        seen = f"../../token says {up!r}" if outside else "another directory of the new root"
        raise Fail("MD0307", ran=ran, expected="the working directory is /", kernel=seen)


def cannot_climb(one, pid, place, ran):
    """A chroot escape of the process has just been tried: where did it end?"""
    token, wanted = read(one, f"{pid}/root/token"), place["tokens"][2]
    if token != wanted:
        raise Fail("MD0308", ran=f"{ran}, then mkdir, chroot and .. inside",
                   expected=f"it ends at {wanted!r}", kernel=f"it ends at {token!r}")  # fmt: skip


NEEDS = (
    ("bind", "chdir", "The working directory is beneath the mount, since chdir came before bind"),
    ("bind", "pivot", "The new root is no mount yet"),
    ("chdir", "pivot", "The working directory is not the new root yet"),
    ("pivot", "detach", "Before pivot the old root does not lie there"),
    ("pivot", "home", "Before pivot, / is the old root"),
)


def pivoted(one, refusal):
    """Wait until the new root is up; return the pid of the process behind it."""
    message = one.expect("pivoted", "refused", "wrong")
    if message.event == "wrong":
        raise Fail("MD0301", what=message["what"])
    if message.event == "refused":
        raise Fail(refusal, step=message["step"], text=explained(message, NEEDS))
    return one.number(message.sender)


def escaped(one):
    """Let the process try to climb out; an escape that the kernel refuses has ended as well."""
    one.answer()
    one.expect("escaped")


def test_order(subject, cell):
    place, ran = names(), "the steps of PIVOT_ORDER"
    with cell("order", **place) as one:
        pid = pivoted(one, "MD0302")
        has_new_root(one, pid, place, ran)
        host_is_gone(one, pid, ran)
        works_inside(one, pid, ran)
        escaped(one)
        cannot_climb(one, pid, place, ran)


def test_pivot_root(subject, cell):
    place = names()
    with cell("pivot", **place) as one:
        pid = pivoted(one, "MD0309")
        has_new_root(one, pid, place, f"pivot(kernel, {place['root']!r})")


def test_pivot_host(subject, cell):
    place = names()
    with cell("pivot", **place) as one:
        pid = pivoted(one, "MD0309")
        host_is_gone(one, pid, f"pivot(kernel, {place['root']!r})")
    words = ["mount", "pivot_root", "umount2", "chdir"]
    errors_come_out(cell, "pivot", [place["root"]], words)


def test_pivot_climb(subject, cell):
    place = names()
    ran = f"pivot(kernel, {place['root']!r})"
    with cell("pivot", **place) as one:
        pid = pivoted(one, "MD0309")
        works_inside(one, pid, ran)
        escaped(one)
        cannot_climb(one, pid, place, ran)


# --- make_dev ----------------------------------------------------------------------------------

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9),
           "tty": (5, 0)}  # fmt: skip
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
         "stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx"}  # fmt: skip
KINDS = {stat.S_IFCHR: "character", stat.S_IFBLK: "block"}


def made_dev(one, root, ran):
    """Wait for make_dev; return (pid, the directory seen from outside)."""
    pid = one.number(one.expect("made").sender)
    mounts, host = table(one, pid), table(one, 1)
    if at(mounts, f"{root}/dev") is None:
        wanted = f"a mount at {root}/dev"
        stacked = [sum(m.point == "/dev" for m in one_table) for one_table in (mounts, host)]
        if stacked[0] > stacked[1]:
            raise Fail("MD0310", ran=ran, expected=wanted, kernel="one more at /dev")
        raise Fail("MD0311", ran=ran, expected=wanted, kernel="no mount there")
    return pid, f"{root}/dev"


def told(found):
    """Say a device: "character 1:3, mode 666"."""
    kind = KINDS[stat.S_IFMT(found.st_mode)]
    number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return f"{kind} {number}, mode {stat.S_IMODE(found.st_mode):03o}"


def look(one, pid, path):
    """Return name → what it is, for the devices and links of a directory in the cell."""
    return one.files(pid).run(lambda: nodes_of(path))


def nodes_of(path):
    seen = {}
    for name in os.listdir(path):
        found = os.lstat(f"{path}/{name}")
        if stat.S_ISLNK(found.st_mode):
            seen[name] = f"→ {os.readlink(f'{path}/{name}')}"
        elif stat.S_IFMT(found.st_mode) in KINDS:
            seen[name] = told(found)
    return seen


def wanted_devices():
    return {name: f"character {a}:{b}, mode 666" for name, (a, b) in DEVICES.items()}


def test_dev_nodes(subject, cell):
    root = names()["root"]
    ran = f"make_dev(kernel, {root!r})"
    with cell("dev", root=root, mask=0) as one:
        pid, path = made_dev(one, root, ran)
        seen = look(one, pid, path)
        wanted = wanted_devices() | {name: f"→ {target}" for name, target in LINKS.items()}
        if seen.get("ptmx", "").startswith("character 5:2"):
            wanted["ptmx"] = seen["ptmx"]  # a node does the same as the link
        lines = compared(wanted, seen)
        if not good(lines):
            raise Fail("MD0312", ran=ran, lines=[line for line in lines if line[0] != "GOOD"])
        kinds = {"pts": "devpts", "shm": "tmpfs"}
        below = {name: at(table(one, pid), f"{path}/{name}") for name in kinds}
        lines = compared(kinds, {name: m.fstype for name, m in below.items() if m})
        known = {mount.device for mount in table(one, 1)}
        lines += [("BAD", f"{name}: it is the host's") for name, m in below.items()
                  if m and m.device in known]  # fmt: skip
        mode = one.files(pid).stat(f"{path}/shm").mode & 0o7777
        twice = sum(mount.point == f"{root}/dev" for mount in table(one, pid))
        lines += [("BAD", f"dev: {twice} mounts, one on another")] if twice > 1 else []
        lines += [] if mode == 0o1777 else [("BAD", f"shm: mode {mode:o}, expected 1777")]
        if not good(lines):
            raise Fail("MD0312", ran=ran, lines=[line for line in lines if line[0] != "GOOD"])
    errors_come_out(cell, "make_dev", [root], ["mount", "mknod", "symlink"], pretended=["mknod"])


def test_dev_umask(subject, cell):
    root, mask = names()["root"], random.choice([0o026, 0o037, 0o073])  # nobody's usual one
    ran = f"make_dev(kernel, {root!r}), with umask {mask:03o}"
    with cell("dev", root=root, mask=mask) as one:
        pid, path = made_dev(one, root, ran)
        seen = {name: text for name, text in look(one, pid, path).items() if name in DEVICES}
        lines = compared(wanted_devices(), seen)
        if not good(lines):
            raise Fail("MD0313", ran=ran, lines=lines)
        after = one.proc.field(pid, "Umask")
        if int(after, 8) != mask:
            raise Fail("MD0314", ran=ran, expected=f"Umask: {mask:04o}", kernel=f"Umask: {after}")


def test_dev_works(subject, cell):
    root = names()["root"]
    ran = f"make_dev(kernel, {root!r}), then user 1000 tries"
    with cell("dev", root=root, mask=0) as one:
        pid, _ = made_dev(one, root, ran)
        mount = at(table(one, pid), f"{root}/dev")
        flags = ",".join(mount.options)
        one.answer()
        seen = one.expect("results")["seen"]
        lines = compared(dict.fromkeys(seen, "works"), seen)
        if not good(lines):
            raise Fail("MD0315", ran=ran, lines=lines,
                       kernel=f"{mount.fstype} at {mount.point}: {flags}")  # fmt: skip


# --- read_only_root ----------------------------------------------------------------------------


def read_only(one):
    """Let read_only_root work; return (what the process could write, its mounts, the host's)."""
    message = one.expect("results")
    return message, table(one, one.number(message.sender)), table(one, 1)


def test_read_only(subject, cell):
    ran = "read_only_root(kernel), then mkdir in / and in /dev"
    with cell("read_only", disk=names()["root"]) as one:
        seen, mounts, _ = read_only(one)
        if seen["root"] != "Read-only file system":
            flags = ",".join(at(mounts, "/").options)
            raise Fail("MD0316", ran=ran, expected="mkdir in /: EROFS",
                       kernel=f"mkdir in /: {seen['root']}; / is mounted {flags}")  # fmt: skip
        if seen["dev"] != "works":
            flags = ",".join(at(mounts, "/dev").options)
            raise Fail("MD0317", ran=ran, expected="mkdir in /dev works",
                       kernel=f"mkdir in /dev: {seen['dev']}; /dev is mounted {flags}")  # fmt: skip
    errors_come_out(cell, "read_only_root", [], ["mount", "mount_setattr"])


def test_read_only_host(subject, cell):
    disk, ran = names()["root"], "read_only_root(kernel)"
    with cell("read_only", disk=disk) as one:
        _, mounts, host = read_only(one)
        mine = at(host, disk)
        if mine is None or mine.device != at(mounts, "/").device:
            raise RuntimeError("the scene's disk is gone")
        if "ro" in (*mine.super_options.split(","), *mine.options):
            raise Fail("MD0318", ran=ran, expected=f"{mine.fstype} at {disk}: rw",
                       kernel=f"{mine.fstype} at {disk}: {mine.super_options}")  # fmt: skip
        top = at(mounts, "/")
        if not top.read_only:
            raise Fail("MD0316", ran=ran, expected="/ is mounted ro",
                       kernel=f"/ is mounted {','.join(top.options)}")  # fmt: skip
        if "noexec" in top.options:
            raise Fail("MD0324", ran=ran, expected="programs of / can still be started",
                       kernel=f"/ is mounted {','.join(top.options)}")  # fmt: skip


# --- close_inherited ---------------------------------------------------------------------------


def sleeps(one, pid):
    """Whether the process has become sleep, and its loader has closed the libraries' files."""
    try:
        return one.proc.read(pid, "comm").strip() == "sleep" and one.proc.state(pid) == "S"
    except Gone:
        return False


def after_exec(one, first, numbers, ran):
    """Wait until the process has become sleep; return the descriptors that it has then."""
    pid = one.number(one.expect("begins").sender)
    one.answer()
    budget = Budget(one.proc)
    while True:
        for message in one.quiet(0.02):
            if message.event != "ended":
                one.unexpected(message)
            elif message["code"] == 77:
                raise Fail("MD0321", ran=ran)
            else:
                raise Fail("MD9005", step=ran, how=f"exit status {message['code']}")
        if sleeps(one, pid):
            break
        budget.check(one)
    found = set(one.files(pid).as_root(lambda: descriptors_of(one, pid)))
    over, under = found - set(range(first)), set(range(3)) | {n for n in numbers if n < first}
    if over:
        numbers = " ".join(map(str, sorted(over)))
        raise Fail("MD0319", ran=ran, expected=f"none from {first} up", kernel=f"open: {numbers}")
    if under - found:
        gone = " ".join(map(str, sorted(under - found)))
        raise Fail("MD0320", first=first, ran=ran, expected=f"{gone} open", kernel="not open")


def descriptors_of(one, pid):
    fd = os.open(f"{pid}/fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=one.proc.descriptor)
    return [int(name) for name in os.listdir(fd)]


def test_closed(subject, cell):
    numbers = [3, 4, 7, random.randrange(10, 29), random.randrange(300, 900),
               random.randrange(4200, 8000)]  # fmt: skip
    with cell("close", first=3, numbers=numbers) as one:
        after_exec(one, 3, numbers, "close_inherited(3), then execve")


def test_closed_first(subject, cell):
    first = random.randrange(5, 12)
    numbers = [3, first - 1, first, first + 1, random.randrange(30, 90)]
    with cell("close", first=first, numbers=numbers) as one:
        after_exec(one, first, numbers, f"close_inherited({first}), then execve")


# --- check_pivot -------------------------------------------------------------------------------

HOLDS = {"pivot_root on dots", "pivot_root with a directory", "pivot_root, then one mount more"}
ESCAPES = {"chroot only", "chroot to a mount", "no chdir after pivot_root",
           "old root kept in a directory", "old root not detached",
           "its own mount namespace only", "one mount of the host's kept"}  # fmt: skip


def members(one, count):
    """Collect the cast until all are there and it waits: name → the cell's number for it."""
    found, waits = {}, False
    while len(found) < count or not waits:
        message = one.expect("member", "cast")
        if message.event == "cast":
            waits = True
        else:
            found[message["name"]] = one.number(message.sender)
    return found


def holds(one, pid):
    """The truth, from outside: both tops are the root, and no mount is the cell's own."""
    root = identity(one, f"{pid}/root")
    mounts = {(m.device, m.root) for m in table(one, pid)}
    tops = {top(one, f"{pid}/{name}") for name in ("root", "cwd")}
    return tops == {root} and not mounts & of_the_host(one)


def test_check_pivot(subject, cell):
    with cell("check_pivot", base=names()["root"]) as one:
        cast = members(one, len(HOLDS | ESCAPES))
        truth = {name: holds(one, pid) for name, pid in cast.items()}
        if truth != {name: name in HOLDS for name in HOLDS | ESCAPES}:
            raise RuntimeError(f"the cast is not what it should be: {truth}")
        seen = one.ask_about(cast)
        kinds = {name: value for name, value in seen.items() if not isinstance(value, bool)}
        if kinds:
            name, value = next(iter(kinds.items()))
            raise Fail("MD9012", name="check_pivot", value=value, wanted="True or False",
                       ran=f"check_pivot({cast[name]})")  # fmt: skip
        lines = compared(truth, seen)
        if not good(lines):
            raise Fail("MD0322", ran="check_pivot(pid)", lines=lines)
