# mistake: WUNTRACED tells of stopped children too, and main has only stopped
# fails: init_signals
# says: while the main process was still alive


def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG | os.WUNTRACED)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG | os.WUNTRACED)
