# mistake: the number of the signal alone
# fails: exit_status
# says: signal 15: expected 143, got 15

def exit_status(status):
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    return os.WEXITSTATUS(status)
