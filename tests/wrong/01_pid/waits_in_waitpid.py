# mistake: it waits for a child after every SIGCHLD, and hears no signal meanwhile
# fails: init_signals
# says: MISSING


def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
