# mistake: the count is compared with 1, and it may be more
# fails: why_words
# says: oom_kill 12: expected 'out of memory'

def why_died(path, status):
    if not os.WIFSIGNALED(status):
        return f"exit {os.WEXITSTATUS(status)}"
    signal, file = os.WTERMSIG(status), f"{path}/memory.events"
    if signal == SIGKILL and os.path.exists(file):
        with open(file) as lines:
            events = dict(line.split() for line in lines)
        if events["oom_kill"] == "1":
            return "out of memory"
    return f"signal {signal}"
