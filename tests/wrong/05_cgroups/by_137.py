# mistake: 137 is every SIGKILL, whoever sent it
# fails: why_words
# says: signal 9, oom_kill 0: expected 'signal 9', got 'out of memory'

def why_died(path, status):
    if not os.WIFSIGNALED(status):
        return f"exit {os.WEXITSTATUS(status)}"
    signal = os.WTERMSIG(status)
    return "out of memory" if 128 + signal == 137 else f"signal {signal}"
