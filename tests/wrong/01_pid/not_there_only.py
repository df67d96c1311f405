# mistake: a file that is not there is foreseen, one that is open and has no process is not (ESRCH)
# fails: host_pid_gone
# says: ProcessLookupError


def host_pid_of(init, inner):
    try:
        namespace = os.readlink(f"/proc/{init}/ns/pid")
    except FileNotFoundError:
        raise LookupError(f"no process {init}") from None
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") == namespace and numbers_of(pid)[-1] == inner:
                return int(pid)
        except FileNotFoundError:
            continue
    raise LookupError(f"no process {inner}")
