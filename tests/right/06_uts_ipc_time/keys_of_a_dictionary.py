# right: a dictionary's keys are a set too


def shared_memory(one, other):
    d = {"sysv": "ns/ipc", "posix": "root/dev/shm"}
    return {
        k: 1 for k, p in d.items() if os.path.samefile(f"/proc/{one}/{p}", f"/proc/{other}/{p}")
    }.keys()
