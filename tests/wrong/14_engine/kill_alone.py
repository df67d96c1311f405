# mistake: it never asks
# fails: stop_grace
# says: killed while it still cleaned up

def stop(pidfd, grace):
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    return False
