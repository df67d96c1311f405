# mistake: signals end at 64, and the last one is forgotten
# fails: init_signals
# says: MISSING   signal 64


def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            if signal < 64:
                kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
