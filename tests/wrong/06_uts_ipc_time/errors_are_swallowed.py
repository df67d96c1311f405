# mistake: the kernel says no, and the function says nothing
# fails: boot_only
# says: The child is in no new time namespace


def set_boot_offset(kernel, seconds):
    try:
        kernel.write("/proc/self/timens_offsets", f"boottime {seconds} 0\n")
    except OSError:
        pass
