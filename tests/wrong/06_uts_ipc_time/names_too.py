# mistake: a namespace more than was asked for
# fails: boot_only
# says: the uts namespace


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME | CLONE_NEWUTS)
    kernel.write("/proc/self/timens_offsets", f"boottime {seconds} 0\n")
