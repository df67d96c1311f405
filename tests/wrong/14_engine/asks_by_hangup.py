# mistake: it asks by SIGHUP, which is no question for a program without a terminal
# fails: stop_grace
# says: was never asked

def stop(pidfd, grace):
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGHUP)
        if poll.poll(grace * 1000):
            return True
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return True
    return False
