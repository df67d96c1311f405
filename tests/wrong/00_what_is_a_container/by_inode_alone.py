# mistake: two directories of different file systems can have one inode number
# fails: own_root
# says: got False

def has_own_root(pid):
    return os.stat("/proc/self/root").st_ino != os.stat(f"/proc/{pid}/root").st_ino
