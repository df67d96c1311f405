# mistake: one SIGCHLD stands for many children
# fails: init_reaps
# says: stay zombies under your init

def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        if pid == main:
            return exit_status(status)
