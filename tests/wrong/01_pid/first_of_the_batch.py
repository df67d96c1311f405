# mistake: when several have ended at once, the status of the first one counts
# fails: init_status
# says: others with it: expected 7, got 3


def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        ended = []
        try:
            pid, status = kernel.waitpid(-1, WNOHANG)
            while pid:
                ended.append((pid, status))
                pid, status = kernel.waitpid(-1, WNOHANG)
        except ChildProcessError:
            pass
        if any(pid == main for pid, _ in ended):
            return exit_status(ended[0][1])
