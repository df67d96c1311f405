# mistake: SIGTERM is thought to end the container: main may live on
# fails: init_signals
# says: must reach the main process


def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            if signal == 15:
                kernel.waitpid(main, 0)
                return 143
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
