# right: mount_setattr(2) instead of a remount

def read_only_root(kernel):
    kernel.mount_setattr("/", 1, False)
