# mistake: a cgroup without the memory controller has no such file
# fails: why_words
# says: FileNotFoundError

def why_died(path, status):
    if not os.WIFSIGNALED(status):
        return f"exit {os.WEXITSTATUS(status)}"
    signal, file = os.WTERMSIG(status), f"{path}/memory.events"
    if signal == SIGKILL:
        with open(file) as lines:
            events = dict(line.split() for line in lines)
        if int(events["oom_kill"]) > 0:
            return "out of memory"
    return f"signal {signal}"
