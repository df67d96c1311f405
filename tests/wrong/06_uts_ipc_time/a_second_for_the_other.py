# mistake: the other clock is moved too, by one second
# fails: boot_only
# says: monotonic


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    kernel.write("/proc/self/timens_offsets", f"boottime {seconds} 0\nmonotonic 1 0\n")
