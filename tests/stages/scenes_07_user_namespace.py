"""Scenes of lesson 07: processes in user namespaces, and who writes their maps."""

import os
import random
import signal

from minidocker.grader.scenes_refused import act_refused  # noqa: F401  (a scene)
from minidocker.kernel import flags as f

FILE = "/tmp/made"
COUNT = 20_000  # ids of a map: they lie within the ids that the cell has
STEPS = ("unshare", "maps", "root", "file")


def forever():
    """Sleep until killed."""
    while True:
        signal.pause()


def write(path, text):
    """One write(2)."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


# --- map_lines and newuidmap_argv: values ------------------------------------------------


def act_lines(learner, kernel, talk, pairs):
    """Ask map_lines for each pair."""
    function = learner.map_lines
    seen = []
    for outer, sub in pairs:
        talk.step(f"map_lines({outer}, {sub})")
        value = function(outer, sub)
        seen.append(value if isinstance(value, str) else repr(value)[:80])
    talk.ask("results", seen=seen)


def act_argv(learner, kernel, talk, calls):
    """Ask newuidmap_argv for each call."""
    function = learner.newuidmap_argv
    seen = []
    for program, pid, lines in calls:
        talk.step(f"newuidmap_argv({program!r}, {pid}, {lines!r})")
        value = function(program, pid, lines)
        seen.append(value if isinstance(value, list | tuple) else repr(value)[:80])
    talk.ask("results", seen=seen)


# --- ROOT_ORDER --------------------------------------------------------------------------


def act_order(learner, kernel, talk, outer):
    """Do the steps of ROOT_ORDER: those of the child in a child, "maps" here."""
    order = learner.ROOT_ORDER
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(STEPS):
        talk.say("wrong", what=repr(order)[:80])
        return
    to_child, from_child = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        obey(kernel, to_child[0], from_child[1])
    for step in order:
        talk.doing = step
        try:
            if step == "maps":
                write(f"/proc/{child}/uid_map", f"0 {outer} {COUNT}\n")
                write(f"/proc/{child}/gid_map", f"0 {outer} {COUNT}\n")
                continue
        except OSError as problem:
            talk.ask("refused", step=step, text=str(problem), order=list(order))
            return
        os.write(to_child[1], f"{step}\n".encode())
        text = os.read(from_child[0], 4096).decode().strip()
        if text != "done":
            talk.ask("refused", step=step, text=text, order=list(order))
            return
    talk.ask("made", found=list(os.lstat(FILE)[4:6]))


def obey(kernel, orders, answers):
    """The child: do one step after the other, and say how it went."""
    for step in os.fdopen(orders):
        try:
            if step == "unshare\n":
                kernel.unshare(f.CLONE_NEWUSER)
            elif step == "root\n":
                kernel.setresgid(0, 0, 0)
                kernel.setresuid(0, 0, 0)
            else:
                os.close(os.open(FILE, os.O_WRONLY | os.O_CREAT))
            os.write(answers, b"done\n")
        except OSError as problem:
            os.write(answers, f"{problem}\n".encode())
    os._exit(0)


# --- write_maps --------------------------------------------------------------------------


def cast_maps(kernel, talk, uid, uid_map, gid_map, setgroups):
    """Start the process that gets the maps: of an ordinary user, or of root when `uid` is 0."""
    ready, begin = os.pipe()
    pid = os.fork()
    if pid == 0:
        ordinary(kernel, uid)
        kernel.unshare(f.CLONE_NEWUSER)
        os.write(begin, b"x")
        forever()
    os.read(ready, 1)
    return pid


def ordinary(kernel, uid):
    """Give up root; being dumpable again is what lets the user write to its own /proc files."""
    if uid:
        os.setgroups([uid])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        kernel.prctl(f.PR_SET_DUMPABLE, 1)


def act_maps(learner, kernel, talk, uid, uid_map, gid_map, setgroups, cast):
    """Let write_maps do its work, without any right when `uid` is not 0."""
    function = learner.write_maps
    ordinary(kernel, uid)
    talk.step(f"write_maps(kernel, {cast}, {uid_map!r}, {gid_map!r}, {setgroups!r})")
    try:
        function(kernel, cast, uid_map, gid_map, setgroups)
    except OSError as problem:
        talk.ask("refused", text=str(problem), pid=cast)
        return
    talk.ask("written", pid=cast)


# --- become_root -------------------------------------------------------------------------


def cast_root(kernel, talk, outer):
    """Start the parent, which writes the map when the child asks for it."""
    ours, theirs = os.pipe(), os.pipe()
    if os.fork() == 0:
        child = int(os.read(ours[0], 32))
        write(f"/proc/{child}/uid_map", f"0 {outer} 1000\n")
        write(f"/proc/{child}/gid_map", f"0 {outer} 1000\n")
        os.write(theirs[1], b"x")
        forever()
    return ours[1], theirs[0]


def act_root(learner, kernel, talk, cast):
    """Enter a user namespace, get its maps, let become_root do its work, make a file."""
    function = learner.become_root
    kernel.unshare(f.CLONE_NEWUSER)
    os.write(cast[0], str(os.getpid()).encode())
    os.read(cast[1], 1)
    talk.step("become_root(kernel)")
    try:
        function(kernel)
    except OSError as problem:
        talk.ask("refused", text=str(problem))
        return
    talk.doing = "making a file, after become_root"
    os.close(os.open(FILE, os.O_WRONLY | os.O_CREAT))
    talk.ask("made")


# --- reaches_root ------------------------------------------------------------------------

KINDS = {
    "no namespace of its own": None,
    "no map yet": "",
    "0 is 0": "0 0 1\n",
    "0 is 20000": "0 20000 20000\n",
    "0 is 1000, and more": "0 1000 1\n1 20000 20000\n",
    "7 is 0": "7 0 1\n",
    "0 is 1000, 5 is 0": "0 1000 1\n5 0 1\n",
    "all as outside": "0 0 65535\n",  # a cell in a room has one less
    "0 is 10, ten of them": "0 10 10\n",
    "0 is 0, 5 is 1000": "0 0 1\n5 1000 1\n",
}


def cast_reaches(kernel, talk):
    """Start one process of each kind; the check tells which of them to ask about."""
    found = {}
    for name, lines in random.sample(list(KINDS.items()), len(KINDS)):
        ready, begin = os.pipe()
        pid = os.fork()
        if pid == 0:
            if lines is not None:
                kernel.unshare(f.CLONE_NEWUSER)
            os.write(begin, b"x")
            forever()
        os.read(ready, 1)
        if lines:
            write(f"/proc/{pid}/uid_map", lines)
        found[name] = pid
    return talk.ask("cast", pids=found)


def act_reaches(learner, kernel, talk, cast):
    """Ask reaches_root about each kind."""
    function = learner.reaches_root
    seen = {}
    for name, pid in cast.items():
        talk.step(f"reaches_root({pid})")
        value = function(pid)
        seen[name] = value if isinstance(value, bool) else repr(value)[:60]
    talk.ask("results", seen=seen)
