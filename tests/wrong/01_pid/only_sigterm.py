# mistake: one signal is passed on, the others are lost
# fails: init_signals
# says: MISSING   SIGHUP

def init(kernel, main):
    while True:
        signal = kernel.wait_signal()
        if signal == 15:
            kernel.kill(main, signal)
        pid, status = kernel.waitpid(-1, WNOHANG)
        while pid:
            if pid == main:
                return exit_status(status)
            pid, status = kernel.waitpid(-1, WNOHANG)
