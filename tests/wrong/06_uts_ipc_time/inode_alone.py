# mistake: the root of every tmpfs has the same inode number
# fails: shared_memory
# says: wrong verdict


def shared_memory(one, other):
    shared = set()
    if os.path.samefile(f"/proc/{one}/ns/ipc", f"/proc/{other}/ns/ipc"):
        shared.add("sysv")
    first, second = (os.stat(f"/proc/{pid}/root/dev/shm") for pid in (one, other))
    if first.st_ino == second.st_ino:
        shared.add("posix")
    return shared
