"""Lesson 07: the user namespace: root inside, nobody outside.

What you build here: `map_lines`, `write_maps`, `newuidmap_argv` and `become_root`, the parts of
the stage `user`. `minidocker run --mine --uidmap 0:100000:65536` takes them as they pass.

`kernel` has one method for each system call: kernel.unshare(flags), kernel.setresuid(r, e, s),
kernel.setresgid(r, e, s), and kernel.write(path, text) for files in /proc: one write(2) for the
whole text. What the kernel refuses raises an OSError.

Judge your work with:  minidocker grade 07
"""

from __future__ import annotations


# 1. REPAIR (rung R2). The lines of a map, with a mistake that many people make. (4 lines)
def map_lines(outer, sub):
    """Write an id map: the inner id 0 is `outer`; from 1 on come the subordinate ids, if any.

    A line is: first id inside, first id outside, how many; and a line feed at its end.
    sub: [first id outside, how many], or None for no such ids. See user_namespaces(7).
    """
    lines = f"0 {outer} 1\n"
    if sub:
        lines += f"1 {sub[0]} {sub[1]}\n"
    return lines


# 2. ORDER (rung R3). Put the four steps into an order that works. The grader does them.
#    "unshare": the child calls kernel.unshare(CLONE_NEWUSER)
#    "maps":    the parent writes both maps of the child: 0 inside is 100000 outside
#    "root":    the child calls kernel.setresgid(0, 0, 0) and kernel.setresuid(0, 0, 0)
#    "file":    the child makes a file; it shall belong to 100000 outside
ROOT_ORDER = ["unshare", "maps", "root", "file"]


# 3. HOLE (rung R4). Fill in what stands as `...`: paths and texts. (3 lines)
def write_maps(kernel, pid, uid_map, gid_map, setgroups):
    """Write the maps of process `pid`, which waits in a new user namespace.

    Three files of /proc/PID: setgroups takes "allow" or "deny", uid_map and gid_map the lines.
    Without rights outside, the kernel takes a gid_map only after "deny". See user_namespaces(7).
    A map is written once for all: one kernel.write for all of its lines.
    """
    kernel.write(f"/proc/{pid}/setgroups", setgroups)
    kernel.write(f"/proc/{pid}/uid_map", uid_map)
    kernel.write(f"/proc/{pid}/gid_map", gid_map)


# 4. CONTRACT (rung R5). More than one id takes a program with rights. (1 line)
def newuidmap_argv(program, pid, lines):
    """Return the command line, a list of words, by which `program` writes a map of process `pid`.

    program: "newuidmap" or "newgidmap". lines: a map as map_lines writes it.
    See newuidmap(1): its arguments are the pid, then the three numbers of each line.
    """
    return [program, str(pid), *lines.split()]


# 5. CONTRACT (rung R5). The map is written; the process still has its old ids. (2 lines)
def become_root(kernel):
    """Take the ids 0 of this user namespace: real, effective and saved, user and group.

    Afterwards, whatever this process makes belongs to the outer id of the inner 0.
    See setresuid(2), setresgid(2).
    """
    kernel.setresgid(0, 0, 0)
    kernel.setresuid(0, 0, 0)


# 6. MORE, INSPECT (rung R6). A check of your own: whose root can be root of the host? (8 lines)
def reaches_root(pid):
    """Say whether some id in the user namespace of process `pid` is the id 0 out here: True, False.

    /proc/PID/uid_map has a line for each range: first id inside, first id outside, how many.
    Outside means: as the reader sees it. No line: no id is mapped yet.
    """
    with open(f"/proc/{pid}/uid_map") as file:
        for line in file:
            _, outside, count = map(int, line.split())
            if outside == 0 and count > 0:
                return True
    return False
