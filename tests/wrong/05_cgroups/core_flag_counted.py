# mistake: the lowest byte holds the signal and a flag: whether a core was dumped
# fails: why_words
# says: core


def why_died(path, status):
    if status & 0xFF == 0:
        return f"exit {status >> 8}"
    signal, file = status & 0xFF, f"{path}/memory.events"
    if signal == SIGKILL and os.path.exists(file):
        with open(file) as lines:
            events = dict(line.split() for line in lines)
        if int(events["oom_kill"]) > 0:
            return "out of memory"
    return f"signal {signal}"
