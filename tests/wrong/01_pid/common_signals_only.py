# mistake: a list of signals, and all others are lost
# fails: init_signals
# says: SIGPIPE


def init(kernel, main):
    import signal as s
    known = {s.SIGTERM, s.SIGINT, s.SIGHUP, s.SIGQUIT, s.SIGUSR1, s.SIGUSR2, s.SIGWINCH, *range(34, 65)}
    while True:
        signal = kernel.wait_signal()
        if signal in known:
            kernel.kill(main, signal)
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
