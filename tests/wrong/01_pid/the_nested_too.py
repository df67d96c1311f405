# mistake: who is in a container of the container is found too: it has a number there
# fails: host_pid_nested
# says: LookupError


def host_pid_of(init, inner):
    if not os.path.exists(f"/proc/{init}"):
        raise LookupError
    depth = len(numbers_of(init)) - 1
    namespace = os.readlink(f"/proc/{init}/ns/pid")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            n = numbers_of(pid)
            if (
                len(n) > depth
                and n[depth] == inner
                and (os.readlink(f"/proc/{pid}/ns/pid") == namespace or len(n) > depth + 1)
            ):
                return int(pid)
        except OSError:
            continue
    raise LookupError
