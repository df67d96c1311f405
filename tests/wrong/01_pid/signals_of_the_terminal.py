# mistake: the signals of job control are kept back
# fails: init_signals
# says: SIGTTIN


def init(kernel, main):
    import signal as s
    while True:
        signal = kernel.wait_signal()
        if signal in (s.SIGTTIN, s.SIGTTOU):
            continue
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
