# mistake: chroot hides the mounts of the host, and takes none away
# fails: check_pivot
# says: chroot only: expected False

def check_pivot(pid):
    return not mounts_of(pid) & mounts_of("self")
