# mistake: it naps and asks, instead of sleeping until something happens
# fails: init_sleeps
# says: asks instead of sleeping

import time


def init(kernel, main):
    while True:
        pid, status = kernel.waitpid(-1, WNOHANG)
        if pid == main:
            return exit_status(status)
        time.sleep(0.002)
