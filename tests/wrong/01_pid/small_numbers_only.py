# mistake: only the first numbers are looked at
# fails: host_pid_equal
# says: found the wrong process


def host_pid_of(init, inner):
    try:
        namespace = os.readlink(f"/proc/{init}/ns/pid")
    except FileNotFoundError:
        raise LookupError from None
    for pid in range(1, 40):
        try:
            if os.readlink(f"/proc/{pid}/ns/pid") == namespace and numbers_of(pid)[-1] == inner:
                return int(pid)
        except OSError:
            continue
    raise LookupError
