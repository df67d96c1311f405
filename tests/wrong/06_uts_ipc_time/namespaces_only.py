# mistake: a mount namespace of its own can show the same /dev/shm
# fails: shared_memory
# says: wrong verdict


def shared_memory(one, other):
    shared = set()
    if os.path.samefile(f"/proc/{one}/ns/ipc", f"/proc/{other}/ns/ipc"):
        shared.add("sysv")
    if os.path.samefile(f"/proc/{one}/ns/mnt", f"/proc/{other}/ns/mnt"):
        shared.add("posix")
    return shared
