# mistake: no signal is passed on
# fails: init_signals
# says: MISSING   SIGTERM

def init(kernel, main):
    while True:
        pid, status = kernel.waitpid(-1)
        if pid == main:
            return exit_status(status)
