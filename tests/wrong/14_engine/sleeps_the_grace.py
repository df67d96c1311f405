# mistake: it sleeps the whole grace, though the process has ended
# fails: stop_grace
# says: waits for something that never comes

def stop(pidfd, grace):
    import time

    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        time.sleep(grace)
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return True
    return False
