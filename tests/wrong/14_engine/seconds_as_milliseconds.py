# mistake: poll counts milliseconds
# fails: stop_grace
# says: killed while it still cleaned up

def stop(pidfd, grace):
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        if poll.poll(grace):
            return True
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return True
    return False
