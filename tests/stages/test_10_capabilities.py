"""Checks of lesson 10: power that was taken away, looked at from outside, and tried."""

import os
import random
import stat
import time

from looking_at_orders import explained
from looking_at_refusals import errors_come_out

from minidocker.course.outcomes import Fail, compared, good
from minidocker.grader.probe import Gone
from minidocker.kernel import flags as f

SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
SECRETS, MIRROR = "/opt/minidocker-secrets", "/opt/minidocker-mirror"


def capabilities(one, pid):
    """The five sets of a process of the cell: name → number."""
    return {name: int(one.proc.field(pid, name), 16) for name in SETS}


def wait_for_exec(one, pid, name):
    """Wait until the process is another program."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if one.proc.field(pid, "Name") == name:
                return
        except Gone:
            break
        time.sleep(0.01)
    raise Fail("MD1009", ran="exec")


def words(mask):
    """Say a set in words, in short."""
    names = [name.removeprefix("CAP_") for n, name in enumerate(f.CAPABILITIES) if mask >> n & 1]
    if len(names) > 6:
        return f"{len(names)} capabilities: {', '.join(names[:5])}, …"
    return ", ".join(names) or "none"


def test_setuid(subject, cell):
    ran = "no_new_privileges(kernel); then user 1000 starts a setuid program of root's"
    with cell("setuid") as one:
        pid = one.number(one.expect("ready").sender)
        bit = one.proc.field(pid, "NoNewPrivs")
        one.answer()
        wait_for_exec(one, pid, "minidocker-cana")
        effective = one.proc.field(pid, "Uid").split()[1]
        if effective == "0" or bit != "1":
            raise Fail("MD1001", ran=ran, expected="NoNewPrivs: 1, effective uid 1000",
                       kernel=f"NoNewPrivs: {bit}, effective uid {effective}")  # fmt: skip
    errors_come_out(cell, "no_new_privileges", [], ["prctl"])


NEEDS = (
    ("user", "capset", "Nobody without CAP_SETUID changes the user"),
    ("bounding", "capset", "Nobody without CAP_SETPCAP takes from the bounding set"),
    ("bounding", "user", "With the user root's capabilities go, and CAP_SETPCAP is one of them"),
)


def test_order(subject, cell):
    with cell("order") as one:
        message = one.expect("exec", "refused", "wrong")
        if message.event == "wrong":
            raise Fail("MD1002", what=message["what"])
        if message.event == "refused":
            raise Fail("MD1003", step=message["step"], text=explained(message, NEEDS))
        pid = one.number(message.sender)
        one.answer()
        wait_for_exec(one, pid, "sleep")
        found = {**capabilities(one, pid), "Uid": int(one.proc.field(pid, "Uid").split()[1])}
        found.update({name: words(found[name]) for name in SETS})
        lines = compared({**dict.fromkeys(SETS, "none"), "Uid": 1000}, found)
        if not good(lines) and message["never"]:
            raise Fail("MD1021", ran="the steps of DROP_ORDER", steps=message["never"], lines=lines)
        if not good(lines):
            raise Fail("MD1004", ran="the steps of DROP_ORDER", lines=lines)


def dropped(one):
    """Wait for drop_capabilities to return; (its pid in the cell, what the cell held)."""
    before = one.proc.field(one.number(one.expect("begins").sender), "NoNewPrivs")
    one.answer()
    message = one.expect("dropped")
    pid = one.number(message.sender)
    if one.proc.field(pid, "NoNewPrivs") != before:
        raise Fail("MD1022", ran="drop_capabilities(kernel, keep, now)",
                   expected="NoNewPrivs: as before, 0", kernel="NoNewPrivs: 1")  # fmt: skip
    return pid, int(message["held"])


def some(*certain):
    """A random set, with these in it."""
    names = random.sample(f.CAPABILITIES[:15], 4)
    return sum(1 << f.CAPABILITIES.index(name) for name in {*names, *certain})


def test_drop_exec(subject, cell):
    keep = some("CAP_CHOWN") & ~(1 << f.CAP_SETPCAP)
    with cell("drop", keep=keep, now=keep) as one:
        pid, held = dropped(one)
        one.answer()
        wait_for_exec(one, pid, "sleep")
        found, keep = capabilities(one, pid), keep & held
        ran = f"drop_capabilities(kernel, {keep:#x}, {keep:#x}); then root starts sleep"
        if found["CapPrm"] & ~keep or found["CapBnd"] & ~keep:
            raise Fail("MD1005", ran=ran, expected=words(keep),
                       kernel=words(found["CapPrm"] | found["CapBnd"]))  # fmt: skip
        if found["CapPrm"] != keep or found["CapBnd"] != keep:
            raise Fail("MD1006", ran=ran, expected=words(keep),
                       kernel=differing(found, keep, "CapPrm", "CapBnd"))  # fmt: skip
        if found["CapInh"]:
            raise Fail("MD1007", ran=ran, kernel=f"CapInh: {words(found['CapInh'])}")


def differing(found, wanted, *sets):
    """The sets that are not as wanted, each with its name."""
    return "; ".join(f"{name}: {words(found[name])}" for name in sets if found[name] != wanted)


def test_drop_now(subject, cell):
    without = sum(1 << f.CAPABILITIES.index(name) for name in ("CAP_CHOWN", "CAP_SYS_ADMIN"))
    keep, now = some("CAP_KILL") & ~without, some("CAP_SYS_ADMIN")
    with cell("drop", keep=keep, now=now) as one:
        pid, held = dropped(one)
        found = capabilities(one, pid)
        if {found["CapPrm"], found["CapEff"]} != {now & held}:
            raise Fail("MD1008", ran="drop_capabilities(kernel, keep, now), before any exec",
                       expected=words(now & held),
                       kernel=differing(found, now & held, "CapPrm", "CapEff"))  # fmt: skip
        if found["CapBnd"] & ~keep:
            raise Fail("MD1005", ran="drop_capabilities(kernel, keep, now), before any exec",
                       expected=f"CapBnd: {words(keep & held)}",
                       kernel=f"CapBnd: {words(found['CapBnd'])}")  # fmt: skip
    errors_come_out(cell, "drop_capabilities", [7, 7], ["capset", "prctl"])


# --- masks --------------------------------------------------------------------------------


NAMES = ["dir-a", "nothing", "gone/nothing", "file-a", "pipe-a", "dangling", "link-a", "empty-a",
         "socket-a", "hollow-a", "way-a", "dir a", "file a"]  # fmt: skip
"""What is masked. A link leads to file-c and one to dir-c; dir-b and file-b are others' business."""
FOLDERS = ("dir-a", "hollow-a", "dir-c", "dir a")
FILES = ("file-a", "file-c", "file a", "pipe-a", "socket-a", "empty-a")


def masked(one):
    """Wait for mask_paths; return what calls a function where the secrets are ".".

    It looks as process 1 of the cell does, which was there before and did not call anything.
    """
    message = one.expect("did")
    pid = one.number(message.sender)
    if not message["kept"]:
        raise Fail("MD1023", ran="mask_paths(kernel, paths)")
    if one.proc.namespace(pid, "mnt") != one.own["mnt"]:
        raise Fail("MD1024", ran="mask_paths(kernel, paths)")
    files = one.files(1)

    def there(work, directory=SECRETS):
        def look_there():
            os.chdir(directory)
            return work()

        return files.run(look_there)

    return there


def test_mask_hides(subject, cell):
    ran = "mask_paths(kernel, paths)"
    first, *names, last = NAMES  # those are there: who stops where nothing is leaves something
    names = [first, *random.sample(names, len(names)), last]
    with cell("mask", names=names) as one:
        place = masked(one)
        beside = place(lambda: {name: look(name) for name in ("dir-b", "file-b")})
        lines = compared({"dir-b": ["key"], "file-b": "secret"}, beside)
        if not good(lines):
            raise Fail("MD1018", ran=ran, lines=lines)
        wanted = {**{name: [] for name in FOLDERS}, **dict.fromkeys(FILES[:3], "")}
        lines = compared(wanted, place(lambda: {name: look(name) for name in wanted}))
        if not good(lines):
            raise Fail("MD1017", ran=ran, lines=lines)
        lines = compared(dict.fromkeys(FILES, "/dev/null"),
                         place(lambda: {name: kind_of(name) for name in FILES}))  # fmt: skip
        if not good(lines):
            raise Fail("MD1017", ran=ran, lines=lines)
        if place(lambda: [one for one in ("nothing", "nowhere", "gone") if os.path.lexists(one)]):
            raise Fail("MD1020", ran=ran)
        below = {**{name: ["key"] for name in FOLDERS}, "hollow-a": [],
                 **dict.fromkeys(FILES[:3], "secret")}  # fmt: skip
        lines = compared(below, place(lambda: {name: look(name) for name in below}, MIRROR))
        if not good(lines):
            raise Fail("MD1025", ran=ran, lines=lines)


def kind_of(path):
    """What a path is, in a word."""
    found = os.stat(path)
    if stat.S_ISCHR(found.st_mode) and found.st_rdev == os.makedev(1, 3):
        return "/dev/null"
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFREG: "a file",
             stat.S_IFSOCK: "a socket"}  # fmt: skip
    return kinds.get(stat.S_IFMT(found.st_mode), "something else")


def look(path):
    """What a path shows: a directory's names, or a file's beginning."""
    try:
        if os.path.isdir(path):
            return sorted(os.listdir(path))
        with open(path, encoding="utf-8") as stream:
            return stream.read(20)
    except OSError as problem:
        return problem.strerror


def written(path, text):
    """Say whether the cell's root can write a file."""
    try:
        fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    os.write(fd, text.encode())
    return True


def test_mask_holds(subject, cell):
    with cell("mask", names=NAMES) as one:
        place = masked(one)
        for name in FOLDERS:
            if place(lambda name=name: written(f"{name}/new", "")):
                raise Fail("MD1019", ran=f"mask_paths(kernel, paths); then a file is made in {name}")
        place(lambda: written("file-a", "x"))  # refused is as good
        if place(lambda: look("file-a")) == "x":
            raise Fail("MD1017", ran="mask_paths(kernel, paths); then its file is written")
    errors_come_out(cell, "mask_paths", [["/etc", "/etc/hosts"]], ["mount"])
    errors_come_out(cell, "mask_paths", [["/dev/full", "/tmp"]], ["mount"])
