# mistake: the first child that ends ends the container
# fails: init_reaps
# says: while the main process was still alive

def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        if pid:
            return exit_status(status)
