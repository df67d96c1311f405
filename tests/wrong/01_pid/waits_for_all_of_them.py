# mistake: the container is thought to end with its last process, not with main
# fails: init_status
# says: did not return after


def init(kernel, main):
    result = None
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        try:
            pid, status = kernel.waitpid(-1, WNOHANG)
            while pid:
                if pid == main:
                    result = exit_status(status)
                pid, status = kernel.waitpid(-1, WNOHANG)
        except ChildProcessError:
            return result
