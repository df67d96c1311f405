"""Scenes of lesson 15: what runs in a cell, next to the learner's functions."""

import copy
import json
import os
import signal
import time
from types import SimpleNamespace

from minidocker.kernel.flags import (
    CLONE_NEWIPC,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUTS,
    MS_PRIVATE,
    MS_REC,
)

STEPS = ("fifo", "spawn", "open", "walls", "told", "record")
NEW = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC
SLEEP = ["sleep", "1000"]


def forever():
    """Sleep until killed."""
    while True:
        signal.pause()


# --- what reads and writes a configuration -------------------------------------------------------


def act_configs(learner, kernel, talk, name, configs):
    """Ask a function about each configuration; it gets a copy of its own."""
    function = getattr(learner, name)
    seen, kept = [], True
    for number, config in enumerate(configs):
        talk.step(f"{name}(config), configuration {number + 1} of {len(configs)}")
        found = function(given := json.loads(json.dumps(config)))
        kept &= given == config
        plain = isinstance(found, set | frozenset | list | tuple)
        seen.append(sorted(map(str, found)) if plain else repr(found)[:80])
    talk.say("results", seen=seen, kept=kept)


def act_spec(learner, kernel, talk, options):
    """Ask spec_of for the configuration of a container."""
    function = learner.spec_of
    talk.step("spec_of(options)")
    options["volumes"] = [tuple(volume) for volume in options["volumes"]]
    asked = SimpleNamespace(**copy.deepcopy(options))
    talk.say("written", config=function(asked))
    talk.say("kept", kept=vars(asked) == options)


# --- create --------------------------------------------------------------------------------------


def walls_of(kernel, directory):
    """Cut the mounts off, and cover the place where the directory lies: it is out of reach."""
    kernel.mount("", "/", "", MS_REC | MS_PRIVATE)
    kernel.mount("walls", os.path.dirname(directory), "tmpfs")


def sleep_on():
    """Become a command that sleeps."""
    os.execv("/bin/sleep", SLEEP)


def cast_create(kernel, talk, directory, broken):
    os.makedirs(directory)


def act_create(learner, kernel, talk, directory, broken):
    """Let create make a container. Its walls take the time that the check wants, or break."""
    function = learner.create

    def walls():
        talk.ask("walls")
        if broken:
            kernel.mount("none", f"{directory}/not there", "tmpfs")
        walls_of(kernel, directory)

    def command():
        talk.say("command")
        sleep_on()

    talk.step(f"create(kernel, {directory!r}, walls, command)")
    try:
        pid = function(kernel, directory, walls, command)
    except RuntimeError as problem:
        if not broken:
            raise
        talk.ask("refused", text=str(problem))
        return
    talk.ask("returned", value=pid if isinstance(pid, int) else repr(pid)[:80])


def act_order(learner, kernel, talk, directory):
    """Do the steps of CREATE_ORDER; the child's by a child that is told each one."""
    order = learner.CREATE_ORDER
    if not isinstance(order, list | tuple) or sorted(map(str, order)) != sorted(STEPS):
        talk.say("wrong", what=repr(order)[:80])
        return
    os.makedirs(directory)
    ours, theirs = os.pipe(), os.pipe()
    pid = 0
    for step in map(str, order):
        talk.doing = step
        text = ""
        if step == "fifo":
            os.mkfifo(f"{directory}/go")
        elif step == "spawn":
            pid = kernel.clone(NEW)
            if pid == 0:
                obey(kernel, directory, ours[0], theirs[1])
        elif step == "record":
            if not pid:
                text = "there is no child yet whose number it could hold"
            else:
                with open(f"{directory}/record.json", "w") as file:
                    json.dump({"pid": pid}, file)
        elif not pid:
            text = "there is no child yet"
        else:
            os.write(ours[1], step.encode().ljust(5))
            text = os.read(theirs[0], 200).decode().strip()
        if text:
            talk.ask("refused", step=step, text=text, order=list(map(str, order)))
            return
        if step in ("told", "record"):
            talk.ask(step, child=pid)
    talk.say("over")


def obey(kernel, directory, hear, tell):
    """Be the child: do each step that is told, and answer a blank or what the kernel said."""
    while True:
        step = os.read(hear, 5).decode().strip()
        try:
            if step == "open":
                os.set_inheritable(os.open(f"{directory}/go", os.O_RDWR), False)
            elif step == "walls":
                walls_of(kernel, directory)
            elif not step:
                os._exit(0)
            os.write(tell, b" ")
        except OSError as problem:
            os.write(tell, str(problem).encode())


# --- start and state -------------------------------------------------------------------------------


def waiting(talk, directory, event="began"):
    """Start a process that waits at the pipe, and then says so and becomes a command."""
    os.makedirs(directory)
    os.mkfifo(f"{directory}/go")
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        go = os.open(f"{directory}/go", os.O_RDWR)
        os.write(tell, b"r")
        os.read(go, 1)
        talk.say(event, directory=directory)
        sleep_on()
    os.close(tell)
    os.read(ready, 1)
    os.close(ready)
    return pid


def end(pid):
    """End a child, and reap it."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def has_begun(pid):
    """Wait until a process has become its command."""
    while True:
        with open(f"/proc/{pid}/comm") as file:
            if file.read().strip() == "sleep":
                return pid
        time.sleep(0.002)


def act_start(learner, kernel, talk, directory):
    """Start a container that waits, and then start it again."""
    function = learner.start
    pid = waiting(talk, directory)
    for step, event in (("start(directory)", "started"), ("start(directory), again", "again")):
        talk.step(step)
        try:
            function(directory)
            result = "returned"
        except ValueError:
            result = "ValueError"
        if event == "started" and result == "returned":
            talk.ask(event, result=result)
            has_begun(pid)
        else:
            talk.ask(event, result=result)


def cast_refuses(kernel, talk, names):
    """Make what is not created, and what gives another error; names: kind → directory."""
    os.makedirs(names["never"])
    os.makedirs(names["directory"] + "/go")
    os.makedirs(names["loop"])
    os.symlink("go", names["loop"] + "/go")
    end(waiting(talk, names["ended"]))
    os.makedirs(names["left"])
    os.mkfifo(names["left"] + "/go")


def act_refuses(learner, kernel, talk):
    """Start each of them; nothing here says which is which."""
    function = learner.start
    seen = {}
    for number, directory in talk.ask("cast").items():
        talk.step(f"start({directory})")
        try:
            function(directory)
            seen[number] = "returned"
        except ValueError:
            seen[number] = "ValueError"
        except OSError as problem:
            seen[number] = f"OSError {problem.errno}"
    talk.say("results", seen=seen)


def record(directory, **facts):
    """Write a record as lesson 15 has it, with some facts changed."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    pid = facts.pop("pid")
    with open(f"/proc/{pid}/stat") as file:
        began = int(file.read().rpartition(")")[2].split()[19])
    with open(f"{directory}/record.json", "w") as file:
        json.dump({"pid": pid, "began": began, "boot": boot, "status": "running", **facts}, file)


def cast_state(kernel, talk, names):
    """Make the containers, each in a directory whose name says nothing; names: kind → directory."""
    for kind, directory in names.items():
        if kind in ("made", "half"):
            os.makedirs(directory)
            os.mkfifo(f"{directory}/go")
            if kind == "half":
                with open(f"{directory}/record.json", "w") as file:
                    file.write('{"pid": 1, "beg')
            continue
        pid = waiting(talk, directory, "looked")
        facts = {"reused": {"began": 7}, "older": {"began": 1 << 62}, "rebooted": {"boot": "0000"}}
        record(directory, pid=pid, **facts.get(kind, {}))
        if kind not in ("waits", "waits too", "rebooted"):
            # Let it become its command, as a start does.
            go = os.open(f"{directory}/go", os.O_WRONLY)
            os.write(go, b"0")
            os.close(go)
            has_begun(pid)
        if kind == "halted":
            os.kill(pid, signal.SIGSTOP)
            os.waitpid(pid, os.WUNTRACED)
        elif kind == "ended":
            end(pid)
        elif kind == "zombie":
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def act_state(learner, kernel, talk):
    """Ask state about each container, twice; and again about those that the check names."""
    function = learner.state
    order = talk.ask("cast")
    seen = {}
    for number, directory in order.items():
        talk.step(f"state({directory!r})")
        seen[number] = [repr(function(directory)), repr(function(directory))]
    directory = talk.ask("results", seen=seen)
    while True:
        talk.step(f"state({directory!r}), once more")
        directory = talk.ask("again", value=repr(function(directory)))
