# mistake: when several have ended at once, the status of the last one counts
# fails: init_status
# says: others with it: expected 7, got 5


def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        ended, last = [], 0
        try:
            pid, status = kernel.waitpid(-1, WNOHANG)
            while pid:
                ended.append(pid)
                last = status
                pid, status = kernel.waitpid(-1, WNOHANG)
        except ChildProcessError:
            pass
        if main in ended:
            return exit_status(last)
