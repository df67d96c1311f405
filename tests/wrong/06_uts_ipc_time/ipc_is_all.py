# mistake: the ipc namespace says nothing about /dev/shm
# fails: shared_memory
# says: wrong verdict


def shared_memory(one, other):
    if os.path.samefile(f"/proc/{one}/ns/ipc", f"/proc/{other}/ns/ipc"):
        return {"sysv", "posix"}
    return set()
