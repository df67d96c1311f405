# mistake: orphans are never reaped
# fails: init_reaps
# says: stay zombies under your init

def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
        pid, status = kernel.waitpid(main, WNOHANG)
        if pid == main:
            return exit_status(status)
