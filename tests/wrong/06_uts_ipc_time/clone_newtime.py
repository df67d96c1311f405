# mistake: clone puts its child into the namespace at once: then nobody may set the clock
# fails: boot_clock
# says: The kernel refused set_boot_offset


def set_boot_offset(kernel, seconds):
    child = kernel.clone(CLONE_NEWTIME)
    if child:
        kernel.waitpid(child)
        return
    kernel.write("/proc/self/timens_offsets", f"boottime {seconds} 0\n")
