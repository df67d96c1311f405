# mistake: below zero becomes above it
# fails: boot_clock
# says: is not moved by -


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    kernel.write("/proc/self/timens_offsets", f"boottime {abs(seconds)} 0\n")
