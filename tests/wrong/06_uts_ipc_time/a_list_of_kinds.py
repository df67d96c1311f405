# mistake: a list, and no set
# fails: shared_memory
# says: that is no set


def shared_memory(one, other):
    shared = []
    if os.path.samefile(f"/proc/{one}/ns/ipc", f"/proc/{other}/ns/ipc"):
        shared.append("sysv")
    if os.path.samefile(f"/proc/{one}/root/dev/shm", f"/proc/{other}/root/dev/shm"):
        shared.append("posix")
    return shared
