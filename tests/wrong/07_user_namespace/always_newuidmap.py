# mistake: the groups are written by the program for users
# fails: argv
# says: not the command line


def newuidmap_argv(program, pid, lines):
    return ["newuidmap", str(pid), *lines.split()]
