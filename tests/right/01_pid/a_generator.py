# right: a generator gives the children that have ended


def ended(kernel):
    while (got := kernel.waitpid(-1, WNOHANG))[0]:
        yield got


def init(kernel, main):
    for signal in iter(kernel.wait_signal, None):
        if signal != SIGCHLD:
            kernel.kill(main, signal)
        else:
            for pid, status in ended(kernel):
                if pid == main:
                    return exit_status(status)
