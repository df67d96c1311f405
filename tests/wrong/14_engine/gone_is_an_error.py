# mistake: a process that has ended before is an error
# fails: stop_nobody_else
# says: ProcessLookupError

def stop(pidfd, grace):
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    if poll.poll(grace * 1000):
        return True
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    return False
