# right: both clocks are written, and the other one is moved by nothing


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    kernel.write("/proc/self/timens_offsets", f"monotonic 0 0\nboottime {seconds} 0\n")
