# mistake: a number, where a command line has words
# fails: argv
# says: not the command line


def newuidmap_argv(program, pid, lines):
    return [program, pid, *lines.split()]
