# right: the standard library instead of the kernel object

import signal as signals


def init(kernel, main):
    while True:
        got = signals.sigwait(signals.valid_signals())
        if got == signals.SIGCHLD:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == main:
                    code = os.waitstatus_to_exitcode(status)
                    return code if code >= 0 else 128 - code
                if not pid:
                    break
        else:
            os.kill(main, got)
