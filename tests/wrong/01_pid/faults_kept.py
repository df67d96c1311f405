# mistake: signals of faults (SIGSEGV, SIGABRT and so on) are thought to be init's own
# fails: init_signals
# says: MISSING


def init(kernel, main):
    import signal as s
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            if signal not in (s.SIGSEGV, s.SIGBUS, s.SIGFPE, s.SIGILL, s.SIGABRT, s.SIGTRAP, s.SIGSYS):
                kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
