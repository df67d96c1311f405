# mistake: it asks, and asks no more
# fails: stop_grace
# says: it still lives

def stop(pidfd, grace):
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    except ProcessLookupError:
        return True
    return bool(poll.poll(grace * 1000))
