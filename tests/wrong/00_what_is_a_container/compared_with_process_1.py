# mistake: process 1 is taken for you
# fails: own_root
# says: no True or False


def has_own_root(pid):
    mine, theirs = os.stat("/proc/1/root"), os.stat(f"/proc/{pid}/root")
    return (mine.st_dev, mine.st_ino) != (theirs.st_dev, theirs.st_ino)
