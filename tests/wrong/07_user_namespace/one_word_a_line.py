# mistake: each line is one word
# fails: argv
# says: not the command line


def newuidmap_argv(program, pid, lines):
    return [program, str(pid), *lines.splitlines()]
