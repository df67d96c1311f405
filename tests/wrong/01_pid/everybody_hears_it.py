# mistake: a signal is passed on to every process, not to main alone
# fails: init_signals
# says: another process

def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(-1, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
