# mistake: the third number is filled, and it says nanoseconds
# fails: boot_only
# says: boottime


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    kernel.write("/proc/self/timens_offsets", f"boottime {seconds} 500000000\n")
