# mistake: it does not wait at all
# fails: stop_grace
# says: stop took it for ended

def stop(pidfd, grace):
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    except ProcessLookupError:
        pass
    return True
