# mistake: WNOHANG is left out in the loop: after an orphan it waits for the next child to end
# fails: init_signals
# says: MISSING


def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1)
