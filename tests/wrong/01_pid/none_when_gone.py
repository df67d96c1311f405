# mistake: None is returned instead of raising
# fails: host_pid_gone
# says: must raise LookupError

def host_pid_of(init, inner):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            same = os.readlink(f"/proc/{pid}/ns/pid") == os.readlink(f"/proc/{init}/ns/pid")
            if same and numbers_of(pid)[-1] == inner:
                return int(pid)
        except OSError:
            continue
