# mistake: the other clock of the file is moved
# fails: boot_clock
# says: clock since boot is not moved


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    kernel.write("/proc/self/timens_offsets", f"monotonic {seconds} 0\n")
