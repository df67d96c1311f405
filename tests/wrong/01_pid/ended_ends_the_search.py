# mistake: the search ends at the first process that has gone
# fails: host_pid_gone
# says: got 'LookupError'


def host_pid_of(init, inner):
    try:
        namespace = os.readlink(f"/proc/{init}/ns/pid")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if os.readlink(f"/proc/{pid}/ns/pid") == namespace and numbers_of(pid)[-1] == inner:
                return int(pid)
    except OSError:
        pass
    raise LookupError(f"no process {inner}")
