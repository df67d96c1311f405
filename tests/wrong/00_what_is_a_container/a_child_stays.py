# mistake: a process is left behind that nobody asked for
# fails: hostname_kept
# says: one more process


def set_hostname(kernel, name):
    kernel.unshare(CLONE_NEWUTS)
    kernel.sethostname(name)
    if os.fork() == 0:
        import time

        time.sleep(1000)
