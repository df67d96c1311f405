"""Checks of lesson 02: the mount namespace.

Each one lets the learner's function work in a cell, in a mount namespace of its own, and reads
two tables from outside: that of the process inside, and that of the cell's process 1, which
plays the host. Nothing may have changed in the second one.
"""

import random

from looking_at_refusals import errors_come_out

from minidocker.course.outcomes import Fail, compared, good
from minidocker.proc import mounts

SPOTS = ("/spot", "/tmp/tree/spot", "/tmp/tree/inner/spot", "/tmp/tree/two words\tand a tab/spot")
HOST = 1  # the cell's process 1


def table(one, pid):
    """Return the mount table that a process of the cell sees."""
    return mounts.parse(one.proc.read(pid, "mountinfo"))


def shown(mount):
    """Say a mount in one line."""
    return f"{mount.fstype} {mount.source} on {mount.point}"


def token():
    return f"token-{random.randrange(10**8):08}"


def leaked(before, after):
    """Return the mounts that a table has got, and had not."""
    # The number of a mount that has been taken away is given to the next one.
    known = {(mount.id, mount.device) for mount in before}
    return [mount for mount in after if (mount.id, mount.device) not in known]


def host_is_unchanged(before, after, ran):
    """The host's table must be as it was: no mount more or less, and the same propagation."""
    if found := leaked(before, after):
        raise Fail("MD0201", ran=ran, point=found[0].point, expected="outside: nothing new",
                   kernel=f"outside: {', '.join(map(shown, found))}")  # fmt: skip
    now = {mount.id: mount for mount in after}
    for mount in before:
        same = now.get(mount.id)
        if same is None:
            raise Fail("MD0202", ran=ran, point=mount.point, expected=f"outside: {shown(mount)}",
                       kernel="outside: it is gone")  # fmt: skip
        if same.propagation != mount.propagation:
            raise Fail("MD0225", ran=ran, point=mount.point,
                       expected=f"outside: {mount.propagation}, as before",
                       kernel=f"outside: {same.propagation}")  # fmt: skip


# --- make_private ----------------------------------------------------------------------


def made_private(one):
    """Let make_private run; return the process, its table before, and the host's before."""
    first = one.expect("ready")
    pid = one.number(first.sender)
    host, mine = table(one, HOST), table(one, pid)
    if {mount.propagation for mount in mine} & {"private", "unbindable"}:
        raise RuntimeError("the tree of this check is not shared as it should be")
    one.answer()
    one.expect("private")
    return pid, mine, host


def test_private_below(subject, cell):
    name = token()
    with cell("private", token=name) as one:
        pid, mine, host = made_private(one)
        same_places(mine, table(one, pid))
        one.answer()
        one.expect("mounted")
        inside = {mount.point for mount in table(one, pid) if mount.source == name}
        if inside != set(SPOTS):
            raise RuntimeError(f"the scene mounted only {inside}")
        outside = {mount.point for mount in table(one, HOST) if mount.source == name}
        lines = [("BAD", f"{spot}: seen outside too") if spot in outside
                 else ("GOOD", f"{spot}: not seen outside") for spot in SPOTS]  # fmt: skip
        if not good(lines):
            where = " and ".join(spot for spot in SPOTS if spot in outside)
            raise Fail("MD0204", ran="make_private(kernel), then three mounts", where=where,
                       lines=lines)  # fmt: skip
        left = [mount.point for mount in table(one, pid)
                if set(mount.optional) & groups(one, HOST)]  # fmt: skip
        if left:
            raise Fail("MD0227", ran="make_private(kernel)", point=left[0],
                       expected="no mount in a peer group of the host's",
                       kernel=f"{len(left)} of them, such as one at {left[0]}")  # fmt: skip
        host_is_unchanged(host, table(one, HOST), "make_private(kernel), then three mounts")


def same_places(before, after):
    """make_private must leave every mount where it is."""
    had = [(mount.point, mount.fstype, mount.source) for mount in before]
    has = [(mount.point, mount.fstype, mount.source) for mount in after]
    options = {mount.id: mount for mount in after}
    for mount in before:
        same = options.get(mount.id, mount)
        if set(same.options) != set(mount.options):
            raise Fail("MD0229", ran="make_private(kernel)", point=mount.point,
                       expected=",".join(mount.options), kernel=",".join(same.options))  # fmt: skip
    lost = [entry for entry in had if entry not in has]
    more = [entry for entry in has if entry not in had]
    if lost or len(has) < len(had):
        lines = [("MISSING", f"{kind} on {point}") for point, kind, _ in lost[:5]]
        raise Fail("MD0205", ran="make_private(kernel)", expected=f"{len(had)} mounts",
                   kernel=f"{len(has)} mounts", lines=lines)  # fmt: skip
    if more or len(has) > len(had):
        raise Fail("MD0206", ran="make_private(kernel)", expected=f"{len(had)} mounts",
                   kernel=f"{len(has)} mounts")  # fmt: skip


def test_private_kept(subject, cell):
    with cell("private", token=token()) as one:
        pid, mine, host = made_private(one)
        same_places(mine, table(one, pid))
        host_is_unchanged(host, table(one, HOST), "make_private(kernel)")
        for mount in table(one, pid):
            if mount.propagation == "unbindable":
                raise Fail("MD0207", ran="make_private(kernel)", expected="private, or slave",
                           kernel=f"{mount.point}: unbindable")  # fmt: skip
    errors_come_out(cell, "make_private", [], ["mount", "mount_setattr"])


# --- the order -------------------------------------------------------------------------


def numbers_shown(one, pid, root=""):
    """Return the process numbers that stand in root/proc, as process `pid` would list them."""
    return sorted(int(name) for name in one.files(pid).names(f"{root}/proc") if name.isdigit())


def numbers_there(one, pid):
    """Return the numbers of all processes in the pid namespace of `pid`, as they count."""
    wanted = one.proc.namespace(pid, "pid")
    return sorted(one.proc.numbers(other)[-1] for other in one.proc.pids()
                  if one.proc.namespace(other, "pid") == wanted)  # fmt: skip


def test_order(subject, cell):
    ran = "the steps of WALL_ORDER"
    with cell("order") as one:
        message = one.expect("ready", "wrong")
        if message.event == "wrong":
            raise Fail("MD0208", what=message["what"])
        host = table(one, HOST)
        one.answer()
        message = one.expect("walled", "refused")
        if message.event == "refused":
            raise Fail("MD0209", step=message["step"], text=message["text"])
        pid = one.number(message.sender)
        host_is_unchanged(host, table(one, HOST), ran)
        first = one.proc.numbers(pid)
        if first[-1] != 1 or len(first) != len(one.proc.numbers(HOST)) + 1:
            raise Fail("MD0210", ran=ran, expected="one number more, and the last one is 1",
                       kernel=f"NSpid: {' '.join(map(str, first))}")  # fmt: skip
        shows_own_numbers(one, pid, "", ran)


def shows_own_numbers(one, pid, root, ran):
    """A /proc must show the processes of the namespace, and no others."""
    right, seen = numbers_there(one, pid), numbers_shown(one, pid, root)
    if seen != right:
        raise Fail("MD0211", ran=ran, place=f"{root}/proc", expected=words(right),
                   kernel=f"{root}/proc: {words(seen)}")  # fmt: skip


def words(numbers):
    return " ".join(map(str, numbers)) or "no process at all"


# --- mount_proc ------------------------------------------------------------------------


def proc_mounted(one, root):
    """Let mount_proc run; return its process, what it was, and the mount on root/proc."""
    ran = f"mount_proc(kernel, {root!r})"
    ready = one.expect("ready")
    pid = one.number(ready.sender)
    before = table(one, pid)
    one.answer()
    one.expect("mounted")
    new = leaked(before, table(one, pid))
    here = [mount for mount in new if mount.point == f"{root}/proc"]
    if not here:
        seen = ", ".join(map(shown, new)) or "nothing new"
        raise Fail("MD0212", ran=ran, place=f"{root}/proc", expected=f"proc on {root}/proc",
                   kernel=seen)  # fmt: skip
    if len(new) > 1:
        raise Fail("MD0228", ran=ran, expected=f"one mount more, at {root}/proc",
                   kernel=", ".join(map(shown, new)))  # fmt: skip
    return pid, ran, here[-1]


def test_proc_place(subject, cell):
    root = f"/tmp/a root-{random.randrange(10**6):06}"
    with cell("proc", root=root) as one:
        _, ran, mount = proc_mounted(one, root)
        if mount.fstype != "proc":
            raise Fail("MD0213", ran=ran, kind=mount.fstype, expected=f"proc on {root}/proc",
                       kernel=shown(mount))  # fmt: skip
        wanted = {"nosuid", "nodev", "noexec"}
        lines = compared(wanted, wanted & set(mount.options))
        if "ro" in mount.options:
            lines.append(("BAD", "ro: not expected"))
        lines += [("BAD", f"{option}: not expected") for option in mount.super_options.split(",")
                  if option.startswith(("hidepid", "subset", "gid"))]  # fmt: skip
        if not good(lines):
            raise Fail("MD0214", ran=ran, kernel=f"options {','.join(mount.options)}", lines=lines)
    errors_come_out(cell, "mount_proc", [root], ["mount"])


def test_proc_numbers(subject, cell):
    for root in ("", f"/tmp/a root-{random.randrange(10**6):06}"):
        with cell("proc", root=root) as one:
            pid, ran, _ = proc_mounted(one, root)
            shows_own_numbers(one, pid, root, ran)


# --- reading the table -----------------------------------------------------------------


def test_optional(subject, cell):
    with cell("optional") as one:
        pid = one.expect("cast")["pid"]
        lines = one.proc.read(pid, "mountinfo").splitlines()
        right = [list(mount.optional) for mount in mounts.parse("\n".join(lines))]
        if sorted({len(fields) for fields in right}) != [0, 1, 2]:
            raise RuntimeError(f"the cast has not the lines that it should have: {right}")
        if not any(mount.source == "-" for mount in mounts.parse("\n".join(lines))):
            raise RuntimeError("the cast has no mount whose source is a dash")
        one.answer([line.split() for line in lines])
        seen = one.expect("results")["seen"]
        for line, wanted, got in zip(lines, right, seen, strict=True):
            if wanted != got:
                raise Fail("MD0215", ran=f"optional_fields(words) for {line}",
                           expected=repr(wanted), kernel=repr(got))  # fmt: skip


KINDS = {
    "/tmp/tree": "private",
    "/tmp/tree/private": "private",
    "/tmp/tree/shared": "shared",
    "/tmp/tree/shared:1 master:2": "private",
    "/tmp/tree/a tab\there": "shared",
    "/tmp/tree/back\\040slash": "shared",
    "/tmp/tree/slave": "slave",
    "/tmp/tree/slave and shared": "shared and slave",
    "/tmp/tree/far": "slave",  # two fields: master:N propagate_from:N
    "/tmp/tree/unbindable": "unbindable",
}
STACKS = {"/tmp/tree/twice": "private", "/tmp/tree/moved": "shared",
          "/tmp/tree/thrice": "private", "/tmp/tree": "private"}  # fmt: skip
NOWHERE = ("/tmp/tree/nothing", "/tmp/tre", "/tmp/tree/twice/")


def asked(one, paths):
    """Put the paths to propagation_of, in random order; return the process and the answers."""
    pid = one.expect("cast")["pid"]
    random.shuffle(paths)
    one.answer(paths)
    return pid, one.expect("results")["seen"]


def judge_propagation(one, wanted, code):
    """Compare propagation_of with what the tree was built as; the kernel must agree first."""
    pid, seen = asked(one, list(wanted))
    rows = table(one, pid)
    for path, right in wanted.items():
        if right != "LookupError" and topmost(rows, path).propagation != right:
            raise RuntimeError(f"{path} of the cast is not {right}")
    lines = compared({repr(path): right for path, right in wanted.items()},
                     {repr(path): value for path, value in seen.items()})  # fmt: skip
    if not good(lines):
        raise Fail(code, ran=f"propagation_of({pid}, path)", lines=lines)


def topmost(rows, path):
    """Return the mount on top of all that stand at one place."""
    here = [mount for mount in rows if mount.point == path]
    below = {mount.parent for mount in here}
    return next(mount for mount in here if mount.id not in below)


def test_propagation(subject, cell):
    with cell("propagation", shape="kinds") as one:
        judge_propagation(one, KINDS, "MD0216")


def test_propagation_stack(subject, cell):
    with cell("propagation", shape="stacks") as one:
        judge_propagation(one, STACKS, "MD0217")


def test_propagation_nowhere(subject, cell):
    with cell("propagation", shape="stacks") as one:
        wanted = {**dict.fromkeys(NOWHERE, "LookupError"), "/tmp/tree": "private"}
        judge_propagation(one, wanted, "MD0218")


# --- bind ------------------------------------------------------------------------------

STORE, BOX = (f"/tmp/{word} {random.randrange(10**6):06}" for word in ("a store", "a box"))
PAIRS = {BOX: STORE, f"{BOX}/deep": f"{STORE}/deep",
         f"{BOX}/deep/two words": f"{STORE}/deep/two words"}  # fmt: skip
BESIDE = f"{BOX}-beside"


def files_of(one):
    """The names in the store, on each of its mounts."""
    return {place: sorted(one.files(HOST).names(place)) for place in PAIRS.values()}


def bound(one, read_only):
    """Let bind run; return what was run, the tables before and after, and the host's two."""
    ran = f"bind(kernel, {STORE!r}, {BOX!r}, {read_only})"
    pid = one.number(one.expect("ready").sender)
    tables, files = [table(one, pid), table(one, HOST)], files_of(one)
    one.answer()
    one.expect("bound")
    now = files_of(one)
    for place, names in files.items():
        if names != now[place]:
            raise Fail("MD0231", ran=ran, expected=f"{place}: {' '.join(names) or 'nothing'}",
                       kernel=f"{place}: {' '.join(now[place]) or 'nothing'}")  # fmt: skip
    return ran, tables[0], table(one, pid), tables[1], table(one, HOST)


def store_is_writable(rows, ran, who):
    """The file systems, and their mounts at the source, must still be writable."""
    for mount in rows:
        if mount.point in (*PAIRS.values(), BESIDE):
            seen = f"{who}: {shown(mount)}"
            if "ro" in mount.super_options.split(","):
                raise Fail("MD0221", ran=ran, source=mount.source, expected="rw",
                           kernel=f"{seen}, file system {mount.super_options}")  # fmt: skip
            if mount.read_only:
                raise Fail("MD0223", ran=ran, point=mount.point, expected=f"{who}: rw",
                           kernel=f"{seen}, {','.join(mount.options)}")  # fmt: skip


def shows_the_tree(before, after, ran):
    """The two mounts of the store must be at the box too; return them, by place."""
    more = leaked(before, after)
    new = {mount.point: mount for mount in more}
    right = {mount.point: mount for mount in before}
    lines = []
    for place, source in PAIRS.items():
        same = place in new and (new[place].device, new[place].root) == (
            right[source].device, right[source].root)  # fmt: skip
        state = "GOOD" if same else "BAD" if place in new else "MISSING"
        lines.append((state, f"{source} at {place}"))
    extra = [mount for mount in new.values() if mount.point not in PAIRS]
    lines += [("BAD", f"{shown(mount)}: not expected") for mount in extra]
    if len(more) > len(new):
        lines.append(("BAD", f"{len(more)} mounts at {len(new)} places"))
    if not good(lines):
        raise Fail("MD0219", ran=ran, lines=lines)
    return new


def keeps_options(ran, new, after):
    """Only writing may be another at the new place: the other options are those of the source."""
    have = {mount.point: mount for mount in after}
    for place, source in PAIRS.items():
        mine, theirs = (set(one.options) - {"ro", "rw"} for one in (new[place], have[source]))
        if mine != theirs:
            raise Fail("MD0226", ran=ran, point=place, expected=",".join(have[source].options),
                       kernel=",".join(new[place].options))  # fmt: skip


def the_others_stay(before, after, ran):
    """What was mounted before bind travels as it did: the source, too."""
    now = {mount.id: mount for mount in after}
    for mount in before:
        same = now.get(mount.id, mount)
        if same.propagation != mount.propagation:
            raise Fail("MD0230", ran=ran, point=mount.point, expected=mount.propagation,
                       kernel=same.propagation)  # fmt: skip


def test_bind_tree(subject, cell):
    with cell("bind", read_only=False, store=STORE, box=BOX) as one:
        ran, before, after, host, host_after = bound(one, False)
        new = shows_the_tree(before, after, ran)
        host_is_unchanged(host, host_after, ran)
        for place, mount in new.items():
            if mount.read_only:
                raise Fail("MD0222", ran=ran, point=place, expected="rw",
                           kernel=",".join(mount.options))  # fmt: skip
        keeps_options(ran, new, after)
        the_others_stay(before, after, ran)


def test_bind_read_only(subject, cell):
    with cell("bind", read_only=True, store=STORE, box=BOX) as one:
        ran, before, after, _, _ = bound(one, True)
        new = shows_the_tree(before, after, ran)
        lines = [("GOOD", f"{place}: ro") if new[place].read_only else ("BAD", f"{place}: rw")
                 for place in PAIRS]  # fmt: skip
        if not good(lines):
            raise Fail("MD0220", ran=ran, lines=lines)
        keeps_options(ran, new, after)
    words = ["mount", "mount_setattr"]
    errors_come_out(cell, "bind", ["/tmp/from", "/tmp/to", True], words)


def test_bind_source(subject, cell):
    with cell("bind", read_only=True, store=STORE, box=BOX) as one:
        ran, _, after, host, host_after = bound(one, True)
        store_is_writable(host_after, ran, "outside")
        store_is_writable(after, ran, "inside")
        host_is_unchanged(host, host_after, ran)


# --- check_private ---------------------------------------------------------------------

RIGHT = {"private, with MS_REC", "slave, with MS_REC",
         "private, then shared in groups of its own",
         "in a group whose number begins with one of yours",
         "in a group whose number one of yours begins with",
         "a new namespace, where nothing is shared"}  # fmt: skip


def groups(one, pid):
    """Return the peer groups that a process's mounts are in."""
    return {field for mount in table(one, pid) for field in mount.optional
            if field.startswith("shared:")}  # fmt: skip


def test_check_private(subject, cell):
    for shape in ("shared", "private"):
        tells_walls(cell, shape)


def tells_walls(cell, shape):
    """Let check_private look at a cast, in a tree that is shared, or private as a whole."""
    with cell("check_private", shape=shape) as one:
        cast = one.expect("cast")["pids"]
        mine = groups(one, HOST)
        truth = {
            name: one.proc.namespace(pid, "mnt") != one.own["mnt"] and not groups(one, pid) & mine
            for name, pid in cast.items()
        }
        if truth != {name: name in RIGHT for name in cast}:
            raise RuntimeError(f"the cast is not what it should be: {truth}")
        seen = one.ask_about(cast)
        for name, value in seen.items():
            if not isinstance(value, bool):
                raise Fail("MD9012", name="check_private", value=repr(value)[:60],
                           wanted="True or False", ran=f"check_private({cast[name]})")  # fmt: skip
        lines = compared(truth, seen)
        if not good(lines):
            raise Fail("MD0224", ran="check_private(pid)", lines=lines)
