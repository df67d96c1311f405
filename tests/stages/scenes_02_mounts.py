"""Scenes of lesson 02: mount trees, and the learner's functions among them.

The cell's process 1 stays in the mount namespace that plays the host's; its mounts are shared,
as on a machine with systemd. A scene that leaves it builds its own tree there first.
"""

import os
import random
import signal
import time

from minidocker.grader.scenes_refused import act_refused  # noqa: F401  (a scene)
from minidocker.kernel.flags import (
    CLONE_NEWNS,
    CLONE_NEWPID,
    MS_BIND,
    MS_MOVE,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    MS_REMOUNT,
    MS_SHARED,
    MS_SLAVE,
    MS_UNBINDABLE,
)

SAFE = MS_NOSUID | MS_NODEV | MS_NOEXEC
TREE = "/tmp/tree"
INNER = f"{TREE}/inner"


def forever():
    """Sleep until killed."""
    while True:
        signal.pause()


def tmpfs(kernel, path, source, propagation=0):
    """Mount a small tmpfs on a new directory."""
    if not os.path.isdir(path):
        os.mkdir(path)
    kernel.mount(source, path, "tmpfs", 0, "size=64k")
    if propagation:
        kernel.mount("", path, "", propagation)


def shared_tree(kernel, spots=None):
    """Build a shared mount with a shared mount on it, and a spot on each one, and on "/"."""
    tmpfs(kernel, TREE, "tree", MS_SHARED)
    tmpfs(kernel, INNER, "inner", MS_SHARED)
    for path in spots or SPOTS:
        if path.startswith(SPACED):
            tmpfs(kernel, SPACED, "spaced", MS_SHARED)
        os.mkdir(path)


SPACED = f"{TREE}/two words\tand a tab"
SPOTS = ("/spot", f"{TREE}/spot", f"{INNER}/spot")
ALL_SPOTS = (*SPOTS, f"{SPACED}/spot")


# --- make_private ----------------------------------------------------------------------


def cast_private(kernel, talk, token):
    shared_tree(kernel, ALL_SPOTS)
    for _ in range(2):  # one on another: a path leads to the upper one alone
        tmpfs(kernel, f"{TREE}/stack", "stack", MS_SHARED)


def act_private(learner, kernel, talk, token):
    """Let make_private work in a new mount namespace, then mount something on each mount."""
    function = learner.make_private
    kernel.unshare(CLONE_NEWNS)
    talk.ask("ready")
    talk.step("make_private(kernel)")
    function(kernel)
    talk.ask("private")
    for spot in ALL_SPOTS:
        kernel.mount(token, spot, "tmpfs", 0, "size=64k")
    talk.ask("mounted")


# --- the order -------------------------------------------------------------------------


def cast_order(kernel, talk):
    shared_tree(kernel)


def act_order(learner, kernel, talk):
    """Do the steps of WALL_ORDER, in that order; after "fork" only the child goes on."""
    order = learner.WALL_ORDER
    steps = ("unshare", "private", "fork", "proc")
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(steps):
        talk.say("wrong", what=repr(order)[:80])
        return
    talk.ask("ready")
    calls = {
        "unshare": lambda: kernel.unshare(CLONE_NEWPID | CLONE_NEWNS),
        "private": lambda: kernel.mount("", "/", "", MS_REC | MS_PRIVATE),
        "proc": lambda: kernel.mount("proc", "/proc", "proc", SAFE),
        "fork": kernel.fork,
    }
    for step in order:
        talk.doing = step
        try:
            pid = calls[step]()
        except OSError as problem:
            talk.ask("refused", step=step, text=str(problem))
            return
        if pid:
            os.waitpid(pid, 0)
            return
    talk.ask("walled")


# --- mount_proc ------------------------------------------------------------------------


def act_proc(learner, kernel, talk, root):
    """Let mount_proc work as process 1 of a new pid namespace that has a second process."""
    function = learner.mount_proc
    if root:
        os.makedirs(f"{root}/proc")
    kernel.unshare(CLONE_NEWPID | CLONE_NEWNS)
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
    first = kernel.fork()
    if first:
        os.waitpid(first, 0)
        return
    if os.fork() == 0:
        forever()
    # In a user namespace a procfs must be in sight for another one: who takes /proc away is right.
    os.mkdir("/tmp/in sight")
    kernel.mount("proc", "/tmp/in sight", "proc")
    os.chdir("/tmp")  # a path that does not begin with a slash leads elsewhere
    talk.ask("ready")
    talk.step(f"mount_proc(kernel, {root!r})")
    function(kernel, root)
    talk.ask("mounted")


# --- reading the table -----------------------------------------------------------------


def kinds(kernel):
    """Build mounts of every kind of propagation, in a mount namespace of their own."""
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
    tmpfs(kernel, TREE, "tree", MS_PRIVATE)
    tmpfs(kernel, f"{TREE}/private", "private")
    tmpfs(kernel, f"{TREE}/shared", "shared", MS_SHARED)
    tmpfs(kernel, f"{TREE}/shared:1 master:2", "shared:1")
    tmpfs(kernel, f"{TREE}/a tab\there", "a tab", MS_SHARED)
    tmpfs(kernel, f"{TREE}/a dash", "-", MS_SHARED)
    tmpfs(kernel, f"{TREE}/back\\040slash", "backslash", MS_SHARED)
    for name, more in (("slave", 0), ("slave and shared", MS_SHARED)):
        os.mkdir(f"{TREE}/{name}")
        kernel.mount(f"{TREE}/shared", f"{TREE}/{name}", "", MS_BIND)
        kernel.mount("", f"{TREE}/{name}", "", MS_SLAVE)
        if more:
            kernel.mount("", f"{TREE}/{name}", "", more)
    far_from_its_master(kernel)
    tmpfs(kernel, f"{TREE}/unbindable", "unbindable", MS_UNBINDABLE)


def far_from_its_master(kernel):
    """Make a slave whose master is in another table: it has a third field, propagate_from:N."""
    near = f"{TREE}/near"  # a slave of `shared`, and shared with the other table alone
    os.mkdir(near)
    kernel.mount(f"{TREE}/shared", near, "", MS_BIND)
    kernel.mount("", near, "", MS_SLAVE)
    kernel.mount("", near, "", MS_SHARED)
    beside = os.fork()
    if beside == 0:
        forever()  # in the table as it is now
    kernel.unshare(CLONE_NEWNS)
    os.mkdir(f"{TREE}/far")
    kernel.mount(near, f"{TREE}/far", "", MS_BIND)
    kernel.mount("", f"{TREE}/far", "", MS_SLAVE)
    kernel.umount2(near, 0)


def stacks(kernel):
    """Build places with more than one mount; in the second one the oldest mount is on top."""
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
    tmpfs(kernel, TREE, "tree", MS_PRIVATE)
    tmpfs(kernel, f"{TREE}/twice", "below", MS_SHARED)
    tmpfs(kernel, f"{TREE}/twice", "above", MS_PRIVATE)
    tmpfs(kernel, f"{TREE}/older", "above", MS_SHARED)
    tmpfs(kernel, f"{TREE}/moved", "below", MS_PRIVATE)
    kernel.mount(f"{TREE}/older", f"{TREE}/moved", "", MS_MOVE)
    tmpfs(kernel, f"{TREE}/moved/on it", "child")  # the top one is a parent too, elsewhere
    for source in ("first", "second", "third"):
        tmpfs(kernel, f"{TREE}/thrice", source, MS_PRIVATE if source == "third" else MS_SHARED)
    os.mkdir(f"{TREE}/nothing")


def elsewhere(kernel, build):
    """Start a process that builds mounts in a namespace of its own; return its pid when built."""
    end, begin = os.pipe()
    pid = kernel.clone(CLONE_NEWNS)
    if pid == 0:
        try:
            build(kernel)
            os.write(begin, b"built")
        except Exception as problem:
            os.write(begin, str(problem).encode())
        finally:
            os.close(begin)
            forever()
    os.close(begin)
    told = os.read(end, 1000)
    if told != b"built":
        raise RuntimeError(f"the tree could not be built: {told.decode()}")
    os.close(end)
    return pid


def cast_propagation(kernel, talk, shape):
    return elsewhere(kernel, {"kinds": kinds, "stacks": stacks}[shape])


def act_propagation(learner, kernel, talk, cast):
    """Ask propagation_of about each path that the check names."""
    function = learner.propagation_of
    seen = {}
    for path in talk.ask("cast", pid=cast):
        talk.step(f"propagation_of({cast}, {path!r})")
        try:
            seen[path] = function(cast, path)
        except LookupError:
            seen[path] = "LookupError"
    talk.ask("results", seen=seen)


def cast_optional(kernel, talk):
    return elsewhere(kernel, kinds)


def act_optional(learner, kernel, talk, cast):
    """Ask optional_fields about lines of the kernel's own table."""
    function = learner.optional_fields
    seen = []
    for words in talk.ask("cast", pid=cast):
        talk.step(f"optional_fields({' '.join(words)!r}.split())")
        given = list(words)
        value = function(given)
        shown = list(value) if isinstance(value, list | tuple) else repr(value)
        seen.append(shown if given == words else "the words that it was given are changed")
    talk.ask("results", seen=seen)


# --- bind ------------------------------------------------------------------------------


def cast_bind(kernel, talk, read_only, store, box):
    """Build a store, which is shared with the host, with a second mount in it."""
    tmpfs(kernel, store, "store", MS_SHARED)
    tmpfs(kernel, f"{store}/deep", "deep", MS_SHARED)
    kernel.mount("", f"{store}/deep", "", MS_REMOUNT | MS_BIND | SAFE)
    tmpfs(kernel, f"{store}/deep/two words", "deeper", MS_SHARED)
    os.mkdir(box)
    tmpfs(kernel, f"{box}-beside", "beside", MS_SHARED)  # not below box: its name begins alike


def act_bind(learner, kernel, talk, read_only, store, box):
    """Let bind show the store at a second place, in a mount namespace of its own."""
    function = learner.bind
    kernel.unshare(CLONE_NEWNS)
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
    kernel.mount("", store, "", MS_SHARED)
    talk.ask("ready")
    talk.step(f"bind(kernel, {store!r}, {box!r}, {read_only})")
    function(kernel, store, box, read_only)
    talk.ask("bound")


# --- check_private ---------------------------------------------------------------------


def private(flags):
    """Return a wall that changes the propagation from "/" on."""
    return lambda kernel: kernel.mount("", "/", "", flags)


def again(kernel):
    """Private, and then shared with whoever will be inside: new groups, none of the host's."""
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
    kernel.mount("", "/", "", MS_REC | MS_SHARED)


def forgetful(kernel):
    """Make every mount private but one, deep in the tree."""
    with open("/proc/self/mountinfo") as file:
        places = [line.split()[4] for line in file]
    for place in places:
        if place != INNER:
            kernel.mount("", place, "", MS_PRIVATE)


OTHER = f"{TREE}/other"


def at_another_place(kernel):
    """Stay in one group of the host's, by a mount at a place where the host has none."""
    forgetful(kernel)
    kernel.mount(INNER, OTHER, "", MS_BIND)
    kernel.mount("", INNER, "", MS_PRIVATE)


WALLS = {
    "private, with MS_REC": private(MS_REC | MS_PRIVATE),
    "slave, with MS_REC": private(MS_REC | MS_SLAVE),
    "private, then shared in groups of its own": again,
    "a new namespace and nothing more": lambda kernel: None,
    "private, without MS_REC": private(MS_PRIVATE),
    "slave, without MS_REC": private(MS_SLAVE),
    "private, one by one, and one forgotten": forgetful,
    "private, but for a mount at another place": at_another_place,
}


NEAR = f"{TREE}/near"
HIGHEST, TRIES = 400, 15
"""With more peer groups than that on a machine, numbers alike would take thousands of mounts."""


def group_numbers():
    """Return place → number of its peer group, of this process's mounts."""
    with open("/proc/self/mountinfo") as file:
        rows = [line.split() for line in file]
    return {words[4]: words[6].removeprefix("shared:") for words in rows
            if words[6].startswith("shared:")}  # fmt: skip


def alike(kernel):
    """Mount in groups such as 12 and 123, twice: return the places of (long, short, long, short).

    The kernel gives the lowest number that is free, on the whole machine. So many are taken, and all
    but two let go. Another check that does the same just now is waited for. Nothing is returned on
    a machine with too many groups.
    """
    tmpfs(kernel, NEAR, "near", MS_PRIVATE)
    for _ in range(TRIES):
        if found := tried(kernel):
            return found
        time.sleep(random.uniform(0.05, 0.4))
    return []


def tried(kernel):
    """Try it once; what did not come out alike is unmounted."""

    def shared(name):
        os.makedirs(f"{NEAR}/{name}", exist_ok=True)
        kernel.mount(f"{NEAR}/{name}", f"{NEAR}/{name}", "", MS_BIND)
        kernel.mount("", f"{NEAR}/{name}", "", MS_SHARED)
        return f"{NEAR}/{name}"

    short, many, long = [shared("short"), shared("short-too")], [], []
    numbers = [group_numbers()[place] for place in short]
    if max(map(int, numbers)) <= HIGHEST:
        many = [shared(str(number)) for number in range(9 * max(map(int, numbers)) + 20)]
        found = {number: place for place, number in group_numbers().items()}
        long = [next((place for number, place in found.items()
                      if number.startswith(one) and place in many), "")
                for one in numbers]  # fmt: skip
    alike = [long[0], short[0], long[1], short[1]] if long and all(long) else []
    for place in {*many, *short} - set(alike):
        kernel.umount2(place)
    return alike


def all_but(place):
    """Return a wall that makes every mount private, and leaves the one at a place shared."""

    def keep(kernel):
        with open("/proc/self/mountinfo") as file:
            places = [line.split()[4] for line in file]
        for one in sorted(places, key=len, reverse=True):
            if one != place:
                kernel.mount("", one.replace("\\040", " ").replace("\\011", "\t"), "", MS_PRIVATE)

    return keep


def cast_check_private(kernel, talk, shape):
    """Start a process behind each kind of wall, and one with no wall at all: name → pid."""
    shared_tree(kernel)
    walls = dict(WALLS)
    tmpfs(kernel, f"{TREE}/named", "shared:1", MS_PRIVATE)  # a name is no field
    os.mkdir(f"{TREE}/listens")
    os.mkdir(OTHER)
    kernel.mount(INNER, f"{TREE}/listens", "", MS_BIND)
    kernel.mount("", f"{TREE}/listens", "", MS_SLAVE)  # the same master is no leak
    pair = []
    if shape == "private":
        kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
        walls = {"a new namespace, where nothing is shared": lambda kernel: None}
    else:
        pair = alike(kernel)
        if pair:
            walls["in a group whose number begins with one of yours"] = all_but(pair[0])
            walls["in a group whose number one of yours begins with"] = all_but(pair[3])
    found = {}
    for name in random.sample([*walls, "no new namespace"], len(walls) + 1):
        found[name] = elsewhere(kernel, walls[name]) if name in walls else os.fork()
        if found[name] == 0:
            forever()
    if pair:
        kernel.umount2(pair[0])
        kernel.umount2(pair[3])
    return talk.ask("cast", pids=found)


def act_check_private(learner, kernel, talk, cast):
    """Ask check_private about each process of the cast."""
    function = learner.check_private
    seen = {}
    for name, pid in cast.items():
        talk.step(f"check_private({pid})")
        seen[name] = function(pid)
    talk.ask("results", seen=seen)
