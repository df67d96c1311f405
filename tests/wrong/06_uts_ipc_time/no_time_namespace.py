# mistake: the offsets of the namespace that everybody is in cannot be set
# fails: boot_clock
# says: The kernel refused set_boot_offset


def set_boot_offset(kernel, seconds):
    kernel.write("/proc/self/timens_offsets", f"boottime {seconds} 0\n")
