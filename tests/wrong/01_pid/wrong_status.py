# mistake: init forgets the status
# fails: init_status
# says: exit 7: expected 7, got 0

def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        pid, _ = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return 0
            pid, _ = kernel.waitpid(-1, WNOHANG)
