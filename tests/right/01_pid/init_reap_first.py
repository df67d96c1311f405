# right: children are reaped after each signal, by an iterator


def init(kernel, main):
    status = None
    while status is None:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
        for pid, raw in iter(lambda: kernel.waitpid(-1, WNOHANG), (0, 0)):
            if pid == main:
                status = exit_status(raw)
                break
    return status
