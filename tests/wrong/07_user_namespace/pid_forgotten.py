# mistake: the program is not told whose map it is
# fails: argv
# says: not the command line


def newuidmap_argv(program, pid, lines):
    return [program, *lines.split()]
