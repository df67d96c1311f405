# mistake: meeting the limit is no kill: the kernel may find memory to give back
# fails: why_words
# says: the limit was met, oom_kill 0: expected 'signal 9'

def why_died(path, status):
    if not os.WIFSIGNALED(status):
        return f"exit {os.WEXITSTATUS(status)}"
    signal, file = os.WTERMSIG(status), f"{path}/memory.events"
    if signal == SIGKILL and os.path.exists(file):
        with open(file) as lines:
            events = dict(line.split() for line in lines)
        if int(events["max"]) > 0:
            return "out of memory"
    return f"signal {signal}"
