# mistake: two directories of one file system are not the same directory
# fails: shared_memory
# says: wrong verdict


def shared_memory(one, other):
    shared = set()
    if os.path.samefile(f"/proc/{one}/ns/ipc", f"/proc/{other}/ns/ipc"):
        shared.add("sysv")
    first, second = (os.stat(f"/proc/{pid}/root/dev/shm") for pid in (one, other))
    if first.st_dev == second.st_dev:
        shared.add("posix")
    return shared
