# mistake: the raw status is taken for the exit status
# fails: why_words
# says: exit 0

def why_died(path, status):
    if status == 137 and "oom_kill 0" not in open(f"{path}/memory.events").read():
        return "out of memory"
    return f"exit {status}" if status < 128 else f"signal {status - 128}"
