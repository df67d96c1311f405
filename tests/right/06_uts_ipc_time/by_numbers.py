# right: device and inode number, compared by hand


def shared_memory(one, other):
    def numbers(path):
        found = os.stat(path)
        return found.st_dev, found.st_ino

    places = {"sysv": "ns/ipc", "posix": "root/dev/shm"}
    return frozenset(
        kind for kind, place in places.items()
        if numbers(f"/proc/{one}/{place}") == numbers(f"/proc/{other}/{place}")
    )  # fmt: skip
