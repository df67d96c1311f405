# mistake: SIGCONT is thought to be for init itself
# fails: init_signals
# says: MISSING   SIGCONT


def init(kernel, main):
    import signal as s
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            if signal != s.SIGCONT:
                kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
