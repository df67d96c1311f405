# right: the file takes numbers of clocks too: 7 is CLOCK_BOOTTIME


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    kernel.write("/proc/self/timens_offsets", f"7 {seconds} 0")
