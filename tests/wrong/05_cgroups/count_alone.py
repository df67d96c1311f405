# mistake: the count is read before the status: any end is out of memory
# fails: why_words
# says: exit 137, oom_kill 1: expected 'exit 137'

def why_died(path, status):
    if os.path.exists(f"{path}/memory.events") and "oom_kill 0" not in open(f"{path}/memory.events").read():
        return "out of memory"
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    return f"exit {os.WEXITSTATUS(status)}"
