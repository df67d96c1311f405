# mistake: an offset below zero is made positive
# fails: boot_clock
# says: clock since boot is not moved


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    kernel.write("/proc/self/timens_offsets", f"boottime {abs(seconds)} 0\n")
