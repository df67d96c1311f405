# mistake: SIGKILL follows SIGTERM at once
# fails: stop_grace
# says: killed while it still cleaned up

def stop(pidfd, grace):
    signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    return False
