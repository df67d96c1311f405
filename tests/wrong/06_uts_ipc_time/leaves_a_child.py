# mistake: a process is left behind that nobody asked for
# fails: boot_caller
# says: set_boot_offset made 1 process


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    kernel.write("/proc/self/timens_offsets", f"boottime {seconds} 0\n")
    if kernel.fork() == 0:
        kernel.wait_signal()
