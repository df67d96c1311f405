# right: the standard library alone, by sigwaitinfo and os.waitstatus_to_exitcode


def init(kernel, main):
    import signal
    while True:
        info = signal.sigwaitinfo(signal.valid_signals())
        if info.si_signo == signal.SIGCHLD:
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    break
                if pid == 0:
                    break
                if pid == main:
                    code = os.waitstatus_to_exitcode(status)
                    return code if code >= 0 else 128 - code
        else:
            os.kill(main, info.si_signo)
