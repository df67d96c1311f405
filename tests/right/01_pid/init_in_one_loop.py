# right: signals and children in one loop; reaping is tried after every signal

def init(kernel, main):
    result = None
    while result is None:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
        while True:
            try:
                pid, status = kernel.waitpid(-1, WNOHANG)
            except OSError:
                break
            if pid == main:
                result = exit_status(status)
            if pid == 0:
                break
    return result
