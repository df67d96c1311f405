# mistake: the caller enters its children's namespace too
# fails: boot_caller
# says: The caller itself is in another time namespace


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    kernel.write("/proc/self/timens_offsets", f"boottime {seconds} 0\n")
    kernel.setns(kernel.open("/proc/self/ns/time_for_children", os.O_RDONLY), CLONE_NEWTIME)
