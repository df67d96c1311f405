# mistake: the name is written into /proc/sys, which a cell's root does not own
# fails: hostname_set
# says: sethostname(2) sets the name


def set_hostname(kernel, name):
    kernel.unshare(CLONE_NEWUTS)
    with open("/proc/sys/kernel/hostname", "w") as f:
        f.write(name)
