# mistake: pid_for_children: the namespace of its next child, not its own
# fails: host_pid_equal
# says: found the wrong process


def host_pid_of(init, inner):
    try:
        namespace = os.readlink(f"/proc/{init}/ns/pid_for_children")
    except FileNotFoundError:
        raise LookupError from None
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if (
                os.readlink(f"/proc/{pid}/ns/pid_for_children") == namespace
                and numbers_of(pid)[-1] == inner
            ):
                return int(pid)
        except OSError:
            continue
    raise LookupError
