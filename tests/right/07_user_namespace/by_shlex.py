# right: shlex splits the whole command line

import shlex


def newuidmap_argv(program, pid, lines):
    return shlex.split(f"{program} {pid} {lines}")
