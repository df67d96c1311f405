"""Every sentence that a check can say: code → template. Codes stay; words may improve.

MD01nn belongs to lesson 01, MD90nn to all. Sentences have 20 words or fewer. What was run,
expected and seen stands below the sentence, and the hints for each code stand in course.toml.
"""

from __future__ import annotations

from typing import Any

MESSAGES = {
    # every lesson
    "MD9001": "{name} is not defined in {file}.",
    "MD9002": "{file} is not valid Python: line {line}: {what}.",
    "MD9003": "{name} must be written in {file}; this one comes from {source}.",
    "MD9004": "Your code raised {kind} while the check was at: {step}. {text}",
    "MD9005": "Your code ended its process too early ({how}), at: {step}.",
    "MD9006": "Your code loops: it used {seconds} s of processor time at: {step}.",
    "MD9007": "Your code waits for something that never comes: {seconds} s of sleep at: {step}.",
    "MD9008": "Your code wrote into the line that belongs to the check.",
    "MD9009": "The grader has a fault of its own: {text}",
    "MD9010": "{name} is not started.",
    "MD9011": "{text}",
    "MD9012": "{name} returned {value}, and that is no {wanted}.",
    # lesson 00: what is a container
    "MD0001": "The process has not the name that set_hostname was given.",
    "MD0002": "The name changed for everybody, not only for the process that called set_hostname.",
    "MD0003": "The process is in the same uts namespace as before.",
    "MD0004": "namespaces_of does not agree with the kernel.",
    "MD0005": "has_own_root does not agree with the kernel.",
    "MD0006": "walls_of does not agree with the kernel.",
    "MD0007": "walls_of does not see the wall of seccomp as the kernel shows it.",
    "MD0008": "walls_of must raise LookupError for a process that has ended.",
    "MD0009": "walls_of must raise PermissionError when the kernel does not let it look.",
    "MD0010": "walls_of does not see the cgroup's limit as the kernel shows it.",
    # lesson 01: the pid namespace
    "MD0101": "The child is in the caller's pid namespace: it has no number 1 of its own.",
    "MD0102": "The child has number {number} in its namespace: another process was there first.",
    "MD0103": "child() ran in the caller's own process: nobody was forked.",
    "MD0104": "spawn never called child().",
    "MD0105": "spawn did not return while its child was alive.",
    "MD0106": "spawn returned {value}, but the caller sees the child as {pid}.",
    "MD0107": "The child is not a child of the caller: its parent is {parent}.",
    "MD0108": "The child is not in the namespaces that flags asked for.",
    "MD0109": "spawn returned in two processes: child() must be the child's last call.",
    "MD0110": "exit_status gives a wrong result.",
    "MD0111": "{count} ended processes stay zombies under your init.",
    "MD0112": "init returned a wrong exit status.",
    "MD0113": "Not every signal to process 1 reached the main process.",
    "MD0114": "init returned while the main process was still alive.",
    "MD0115": "init does not sleep: it keeps the processor busy while nothing happens.",
    "MD0116": "init did not return after the main process had ended.",
    "MD0117": "host_pid_of found the wrong process.",
    "MD0118": "host_pid_of must raise LookupError for a process that is gone.",
    "MD0119": "check_spawn gives a wrong verdict.",
    "MD0120": "SPAWN_ORDER is not a list of the four steps: {what}.",
    "MD0121": "In this order the step {step!r} fails: {text}",
    "MD0122": "The shell in the child does not call itself process 1: it says {number}.",
    "MD0123": "init woke {count} times in {seconds} s for nothing: it asks instead of sleeping.",
    # lesson 02: the mount namespace
    "MD0201": "A mount came out: it is seen outside at {point}.",
    "MD0202": "The mount at {point} is gone from the table outside.",
    "MD0204": "A mount made after make_private is seen outside: at {where}.",
    "MD0205": "make_private has taken mounts away; all must stay where they are.",
    "MD0206": "make_private has mounted something; it must only change what is there.",
    "MD0207": "After make_private the mount cannot be bound elsewhere: it is unbindable.",
    "MD0208": "WALL_ORDER is not a list of the four steps: {what}.",
    "MD0209": "In this order the step {step!r} fails: {text}",
    "MD0210": "The process is not number 1 of a new pid namespace.",
    "MD0211": "{place} does not show the processes of the new pid namespace.",
    "MD0212": "mount_proc has mounted nothing on {place}.",
    "MD0213": "A file system of type {kind} is mounted, and no proc.",
    "MD0214": "The new /proc has not the options that it should have.",
    "MD0215": "optional_fields gives a wrong result.",
    "MD0216": "propagation_of does not agree with the kernel.",
    "MD0217": "propagation_of has not found the mount on top.",
    "MD0218": "propagation_of must raise LookupError where nothing is mounted.",
    "MD0219": "The tree at the target is not the tree of the source.",
    "MD0220": "Somebody can still write through the target.",
    "MD0221": "The file system {source} itself is read-only now, for everybody.",
    "MD0222": "The mount at {point} is read-only, and nobody asked for that.",
    "MD0223": "The mount at {point} is read-only now; only the target must be.",
    "MD0224": "check_private gives a wrong verdict.",
    "MD0225": "The table outside has changed: mounts travel in another way at {point}.",
    # lesson 03: the root file system
    "MD0301": "PIVOT_ORDER is not a list of the five steps: {what}.",
    "MD0302": "In this order the kernel refuses the step {step!r}: {text}",
    "MD0303": "The root of the process is not the directory that it was given.",
    "MD0304": "What is mounted below the new root did not come along.",
    "MD0305": "Only the root directory changed, as with chroot; the root mount is still the old one.",
    "MD0306": "Mounts of the old root are still in the mount table of the process.",
    "MD0307": 'The working directory stayed where it was: ".." leads to files of the host.',
    "MD0308": "The root does not hold: a process inside climbed out of it.",
    "MD0309": "The kernel refused a call of pivot: {text}",
    "MD0310": "make_dev mounted on the /dev of the host, not on the /dev of the new root.",
    "MD0311": "make_dev mounted nothing on the /dev of the new root.",
    "MD0312": "The /dev of the new root is not as the docstring says.",
    "MD0313": "With a umask, the devices have other permissions.",
    "MD0314": "make_dev changed the umask of its process and left it so.",
    "MD0315": "An ordinary user cannot use what is in the new /dev.",
    "MD0316": 'The process can still write to "/".',
    "MD0317": 'What is mounted below "/" became read-only too.',
    "MD0318": "The whole file system became read-only: nobody can write to it, outside too.",
    "MD0319": "Descriptors stay open across execve.",
    "MD0320": "Descriptors below {first} were closed too.",
    "MD0321": "close_inherited closed descriptors at once: until execve they are still needed.",
    "MD0322": "check_pivot gives a wrong verdict.",
    # lesson 05: cgroups
}


def sentence(code: str, **facts: Any) -> str:
    """Fill the sentence of a code with facts; an unknown code is the grader's own fault."""
    return MESSAGES[code].format(**facts).strip()
