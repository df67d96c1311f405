# right: waitid instead of waitpid; the kernel's words for an end


def init(kernel, main):
    while True:
        s = kernel.wait_signal()
        if s == SIGCHLD:
            while (r := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)) is not None:
                if r.si_pid == main:
                    return r.si_status if r.si_code == os.CLD_EXITED else 128 + r.si_status
        else:
            try:
                kernel.kill(main, s)
            except ProcessLookupError:
                pass
