# mistake: signals that few people know, such as SIGIO and SIGXCPU, are left out
# fails: init_signals
# says: MISSING


def init(kernel, main):
    import signal as s
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            if signal not in (s.SIGIO, s.SIGPWR, s.SIGPROF, s.SIGVTALRM, s.SIGXCPU, s.SIGXFSZ):
                kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
