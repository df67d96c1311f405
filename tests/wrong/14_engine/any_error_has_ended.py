# mistake: whatever the kernel refuses counts as a process that has ended
# fails: stop_nobody_else
# says: the OSError comes out of it

def stop(pidfd, grace):
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        if poll.poll(grace * 1000):
            return True
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except OSError:
        return True
    return False
