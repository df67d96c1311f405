# mistake: what a process had before is told once more
# fails: namespaces
# says: after it left

_SEEN = {}


def namespaces_of(pid):
    if pid not in _SEEN:
        _SEEN[pid] = {
            name: os.stat(f"/proc/{pid}/ns/{name}").st_ino for name in os.listdir(f"/proc/{pid}/ns")
        }
    return _SEEN[pid]
