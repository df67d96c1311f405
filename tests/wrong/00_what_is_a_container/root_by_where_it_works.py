# mistake: the working directory is no root directory
# fails: own_root
# says: works elsewhere


def has_own_root(pid):
    mine, theirs = os.stat("/proc/self/root"), os.stat(f"/proc/{pid}/cwd")
    return (mine.st_dev, mine.st_ino) != (theirs.st_dev, theirs.st_ino)
