# mistake: a signal is passed on to main's process group, as Ctrl-C at a terminal goes
# fails: init_signals
# says: another process than main

def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal != SIGCHLD:
            kernel.kill(-main if os.getpgid(main) == main else main, signal)
            continue
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
