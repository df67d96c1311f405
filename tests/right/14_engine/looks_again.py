# right: stop looks often, and never waits in one piece; the pidfd is asked by signal 0

import time


def stop(pidfd, grace):
    end = time.monotonic() + grace
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        while time.monotonic() < end:
            if select.select([pidfd], [], [], 0.01)[0]:
                return True
        signal.pidfd_send_signal(pidfd, signal.SIGKILL, None, 0)
        return False
    except ProcessLookupError:
        return True
