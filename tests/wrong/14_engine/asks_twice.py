# mistake: SIGTERM is sent a second time instead of SIGKILL
# fails: stop_grace
# says: it still lives

def stop(pidfd, grace):
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    try:
        for _ in range(2):
            signal.pidfd_send_signal(pidfd, signal.SIGTERM)
            if poll.poll(grace * 1000):
                return True
    except ProcessLookupError:
        return True
    return False
