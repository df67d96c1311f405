# mistake: lines after the third are forgotten
# fails: argv
# says: newuidmap_argv is not


def newuidmap_argv(program, pid, lines):
    return [program, str(pid), *lines.split()[:9]]
