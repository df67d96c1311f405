# mistake: of a longer map only two lines are handed on
# fails: argv
# says: command line


def newuidmap_argv(program, pid, lines):
    return [program, str(pid), *lines.split()[:6]]
