# mistake: the kernel ends the rest by itself when init ends
# fails: init_reaps
# says: ESRCH


def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                kernel.kill(-1, 9)
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
