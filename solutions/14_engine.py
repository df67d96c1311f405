"""Lesson 14: the engine.

What you build here: the six things that an engine does for a container that runs alone. It knows
how it is, lets one more command in, stops it, starts it again, joins it to others, keeps its words.

`kernel` has one method for each system call. What it refuses raises an OSError: let it come out.

Write the subgoals first, as comments with the words of lessons 01 to 05 (look, build, ask, check,
let go, tell), then the lines under them.

Judge your work with:  minidocker grade 14
"""

from __future__ import annotations

import io
import itertools
import os
import select
import signal

from minidocker.kernel.flags import CAPABILITIES, NAMESPACES, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS

FIRST, LONGEST = 0.1, 60.0  # seconds of waiting: the first time, and at most
HEALTHY = 10.0  # seconds: a run as long as this one was a good one
PIECE = 16384  # bytes that an entry of the log has at most


def stat_of(pid, proc):
    """Return (state letter, start time) of a process; ("", 0) when there is none. Given.

    The start time counts ticks since this boot. The process's name may hold blanks and brackets,
    so /proc/PID/stat is read from its last ")". proc(5)
    """
    try:
        with open(f"{proc}/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    return fields[0], int(fields[19])


def boot_of(proc):
    """Return the name of this boot: each boot of the kernel has another one. Given."""
    with open(f"{proc}/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


# 1. REPAIR (rung R2). It believes in a number. Numbers are used again. (5 lines)
def status_of(record, proc):
    """Say how the container of a record is: "running", "exited", "crashed" or "unknown".

    record["pid"] is its PID 1, record["start"] when that process began (as stat_of counts), and
    record["boot"] in which boot. record["exit"] is its exit status, once somebody has noted it.
    What is not known yet is None, or not there. `proc` is where procfs is: "/proc".

    "exited"   its exit status is noted
    "unknown"  it is not, and the record lacks pid, start or boot: half a record
    "running"  the very process of the record lives. A zombie (Z, X) does not
    "crashed"  it lives no more, and nobody has noted how it ended
    """
    if record.get("exit") is not None:
        return "exited"
    if None in (record.get("pid"), record.get("start"), record.get("boot")):
        return "unknown"
    state, start = stat_of(record["pid"], proc)
    same = start == record["start"] and boot_of(proc) == record["boot"]
    return "running" if same and state not in ("", "Z", "X") else "crashed"


# 2. ORDER (rung R3). One more command for a container that runs, never with more power than its
#    PID 1, not for a moment. The grader does these steps.
#    "exec":  become the command             "fork":       have a child, which does what is left
#    "group": join the container's cgroup, /sys/fs/cgroup/… of the host
#    "rights": give up what PID 1 gave up    "namespaces": enter all of them, by setns(2)
EXEC_ORDER = ["group", "namespaces", "rights", "fork", "exec"]


def others(pid):
    """Return the flags of those namespaces of a process that are not ours: CLONE_NEW…. Given."""
    flags = 0
    for kind, flag in NAMESPACES.items():
        if not os.path.samefile(f"/proc/{pid}/ns/{kind}", f"/proc/self/ns/{kind}"):
            flags |= flag
    return flags


def give_up(kernel, container):
    """Give up what the container's PID 1 has given up, for ever. Given: lessons 10 and 11."""
    for number in range(len(CAPABILITIES)):
        if not container.keep >> number & 1:
            kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.prctl(PR_SET_NO_NEW_PRIVS, 1)
    kernel.capset(container.keep, container.keep, 0)
    kernel.seccomp(container.filter)


# 3. REPAIR (rung R2). The command runs inside, with more power than PID 1. Three things are wrong.
def exec_in(kernel, container, argv):
    """Run one more command in a container, and return its pid.

    The caller is a helper, root, and made for this: it may change itself.
    container.pid is its PID 1, container.group the directory of its cgroup, container.keep the
    capabilities that it has, container.filter its seccomp filter, container.env its environment.
    The command is a child of the caller. All that an x-ray shows of it is as PID 1's: namespaces,
    root, cgroup, capabilities, no_new_privs, filter. No process inside has more, not for a moment.
    kernel.write(path, "0") into a cgroup's file cgroup.procs moves who writes.
    """
    kernel.write(f"{container.group}/cgroup.procs", "0")
    process = os.pidfd_open(container.pid)
    kernel.setns(process, others(container.pid))
    os.close(process)
    give_up(kernel, container)
    pid = kernel.fork()
    if pid == 0:
        kernel.execve(argv[0], argv, container.env)
    return pid


# 4. HOLES (rung R4). By a pidfd: whoever has the number today is not hurt. (3 lines)
def stop(pidfd, grace):
    """End the process behind a pidfd; say whether it has ended by itself: True or False.

    It is asked by SIGTERM. When it lives `grace` seconds later, SIGKILL ends it. One that has ended
    before has ended by itself. The process is no child of yours, so you cannot wait for it. A pidfd
    can be read as soon as its process has ended: poll(2) counts milliseconds. pidfd_open(2)
    """
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        if poll.poll(grace * 1000):
            return True
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return True
    return False


def wanted(policy, status, times):
    """Say whether to start again what has ended with a status, after so many starts again. Given.

    policy is "no", "always", "unless-stopped", "on-failure" or "on-failure:TIMES".
    """
    name, _, most = policy.partition(":")
    if name == "on-failure":
        return status != 0 and (not most or times < int(most))
    return name != "no"


# 5. HOLES (rung R4). When does the loop end, and how long does it wait? (3 lines)
def supervise(start, policy, clock):
    """Run a container again and again, as its policy says; return its last exit status.

    start() runs it until it ends, and returns (exit status, stopped). stopped: a user has stopped
    it, and it shall stay so, whatever the policy says.
    Between two runs it waits: FIRST seconds, and each time twice as long, LONGEST at most. After a
    run of HEALTHY seconds or more the wait is FIRST again. clock.now() is the time in seconds;
    clock.sleep(seconds) waits, and returns False when a user has stopped the container meanwhile.
    """
    wait = 0.0
    for times in itertools.count():
        began = clock.now()
        status, stopped = start()
        if stopped or not wanted(policy, status, times):
            return status
        healthy = clock.now() - began >= HEALTHY
        wait = FIRST if healthy or not wait else min(2 * wait, LONGEST)
        if not clock.sleep(wait):
            return status


# 6. CONTRACT (rung R5). A pod: containers that share some namespaces, and no others. (1 line)
def join(kernel, pid, kinds):
    """Enter some namespaces of a process: `kinds` are names such as "net" and "ipc".

    The caller's other namespaces stay as they are. setns(2) takes a pidfd, and the flags of all
    that it shall enter; NAMESPACES has the flag of each name.
    """
    process = os.pidfd_open(pid)
    kernel.setns(process, sum(NAMESPACES[kind] for kind in kinds))
    os.close(process)


# 7. MORE, CONTRACT (rung R5). What a container says goes into its log. (12 lines)
def log_pump(streams, write):
    """Copy what a container says into its log, until all streams end; return the entries lost.

    streams: {"stdout": descriptor, "stderr": descriptor}, the reading ends of two pipes.
    write(stream, data) makes an entry. An entry is at most one line, with its b"\\n", and at most
    PIECE bytes. A line may stand in several entries. The entries of a stream, one after another,
    are what the container has said, byte for byte.
    When write raises OSError (the disk is full), that entry is lost, and counted. The container
    never waits for that: reading goes on.
    """
    poll, lost = select.poll(), 0
    names = {fd: name for name, fd in streams.items()}
    for fd in names:
        poll.register(fd, select.POLLIN)
    while names:
        for fd, _ in poll.poll():
            data = os.read(fd, PIECE)
            if not data:
                poll.unregister(fd)
                del names[fd]
            for line in io.BytesIO(data):
                try:
                    write(names[fd], line)
                except OSError:
                    lost += 1
    return lost
