# mistake: the second number, however deep the container is
# fails: host_pid_nested
# says: found the wrong process

def host_pid_of(init, inner):
    namespace = os.readlink(f"/proc/{init}/ns/pid") if os.path.exists(f"/proc/{init}") else ""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        same = os.readlink(f"/proc/{pid}/ns/pid") == namespace
        if same and numbers_of(pid)[1:2] == [inner]:
            return int(pid)
    raise LookupError(inner)
