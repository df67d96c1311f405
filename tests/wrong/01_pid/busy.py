# mistake: the loop never sleeps
# fails: init_sleeps
# says: keeps the processor busy

def init(kernel, main):
    while True:
        pid, status = kernel.waitpid(-1, WNOHANG)
        if pid == main:
            return exit_status(status)
