# right: select(2) with seconds, and a function in the function


def stop(pidfd, grace):

    def ended(seconds):
        return bool(select.select([pidfd], [], [], max(0, seconds))[0])

    try:
        signal.pidfd_send_signal(pidfd, 15)
    except ProcessLookupError:
        return True
    if ended(grace):
        return True
    try:
        signal.pidfd_send_signal(pidfd, 9)
    except ProcessLookupError:
        return True
    return False
