# right: a tuple, put together word by word


def newuidmap_argv(program, pid, lines):
    words = [program, f"{pid}"]
    for line in lines.splitlines():
        inside, outside, count = line.split()
        words += [inside, outside, count]
    return tuple(words)
