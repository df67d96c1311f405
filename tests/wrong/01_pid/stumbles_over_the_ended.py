# mistake: a process that ends while it is looked at ends the search
# fails: host_pid_gone
# says: ends while it looks


def host_pid_of(init, inner):
    try:
        namespace = os.readlink(f"/proc/{init}/ns/pid")
    except FileNotFoundError:
        raise LookupError(f"no process {init}") from None
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if os.readlink(f"/proc/{pid}/ns/pid") == namespace and numbers_of(pid)[-1] == inner:
            return int(pid)
    raise LookupError(f"no process {inner}")
