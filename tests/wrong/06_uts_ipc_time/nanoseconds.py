# mistake: the seconds stand in the place of the nanoseconds
# fails: boot_clock
# says: clock since boot is not moved


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    kernel.write("/proc/self/timens_offsets", f"boottime 0 {abs(seconds)}\n")
