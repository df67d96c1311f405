# mistake: it waits for a process that is no child of its
# fails: stop_grace
# says: ChildProcessError

def stop(pidfd, grace):
    signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    return True
