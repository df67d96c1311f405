# mistake: the pidfd of its caller is closed when the process was killed
# fails: stop_grace
# says: has closed the pidfd

def stop(pidfd, grace):
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        if poll.poll(grace * 1000):
            return True
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return True
    os.close(pidfd)
    return False
