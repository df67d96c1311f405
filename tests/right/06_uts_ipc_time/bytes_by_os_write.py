# right: the file opened and written by hand


def set_boot_offset(kernel, seconds):
    kernel.unshare(CLONE_NEWTIME)
    fd = os.open("/proc/self/timens_offsets", os.O_WRONLY)
    try:
        os.write(fd, b"boottime %d 0" % seconds)
    finally:
        os.close(fd)
