# mistake: the kernel's count is never read
# fails: why_oom
# says: killed: expected 'signal 9', got 'out of memory'

def why_died(path, status):
    if os.WIFSIGNALED(status):
        return "out of memory" if os.WTERMSIG(status) == SIGKILL else f"signal {os.WTERMSIG(status)}"
    return f"exit {os.WEXITSTATUS(status)}"
