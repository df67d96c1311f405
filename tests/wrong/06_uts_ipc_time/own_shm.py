# mistake: /dev/shm without /proc/PID/root is the directory of whoever asks
# fails: shared_memory
# says: wrong verdict


def shared_memory(one, other):
    shared = set()
    if os.path.samefile(f"/proc/{one}/ns/ipc", f"/proc/{other}/ns/ipc"):
        shared.add("sysv")
    if os.path.samefile("/dev/shm", f"/proc/{other}/root/dev/shm"):
        shared.add("posix")
    return shared
