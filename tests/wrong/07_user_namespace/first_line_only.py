# mistake: only the first range
# fails: argv
# says: not the command line


def newuidmap_argv(program, pid, lines):
    return [program, str(pid), *lines.splitlines()[0].split()]
