# mistake: SIGCHLD is passed on too, though it is meant for init
# fails: init_signals
# says: SIGCHLD

def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
        kernel.kill(main, signal)
