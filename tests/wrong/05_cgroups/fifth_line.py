# mistake: the line is found by its place, not by its name
# fails: why_words
# says: why_died gives a wrong reason


def why_died(path, status):
    if not os.WIFSIGNALED(status):
        return f"exit {os.WEXITSTATUS(status)}"
    signal, file = os.WTERMSIG(status), f"{path}/memory.events"
    if signal == SIGKILL and os.path.exists(file):
        if int(open(file).read().split("\n")[4].split()[1]) > 0:
            return "out of memory"
    return f"signal {signal}"
