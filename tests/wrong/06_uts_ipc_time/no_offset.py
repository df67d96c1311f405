# mistake: a new time namespace alone moves no clock
# fails: boot_clock
# says: clock since boot is not moved


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
