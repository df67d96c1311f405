# mistake: two directories of one file system are taken for one
# fails: own_root
# says: chroot only

def has_own_root(pid):
    return os.stat("/proc/self/root").st_dev != os.stat(f"/proc/{pid}/root").st_dev
