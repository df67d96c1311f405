# mistake: two clocks are moved, and one was asked for
# fails: boot_only
# says: Other clocks moved too


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    offset = max(seconds, 0)
    kernel.write("/proc/self/timens_offsets", f"monotonic {offset} 0\nboottime {seconds} 0\n")
