# mistake: a text for a shell, not a list of words
# fails: argv
# says: not the command line


def newuidmap_argv(program, pid, lines):
    return f"{program} {pid} {lines}"
