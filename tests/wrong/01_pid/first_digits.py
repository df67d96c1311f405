# mistake: numbers are compared as texts, and only as far as the shorter one goes
# fails: host_pid_gone
# says: must raise LookupError


def host_pid_of(init, inner):
    try:
        namespace = os.readlink(f"/proc/{init}/ns/pid")
    except OSError:
        raise LookupError from None
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") == namespace and str(
                numbers_of(pid)[-1]
            ).startswith(str(inner)):
                return int(pid)
        except OSError:
            continue
    raise LookupError
