# right: inode numbers instead of link texts, and a list instead of a loop

def host_pid_of(init, inner):
    try:
        wanted = os.stat(f"/proc/{init}/ns/pid").st_ino
    except OSError as problem:
        raise KeyError(init) from problem
    found = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _fits(pid, wanted, inner)]
    if not found:
        raise IndexError(inner)
    return found[0]


def _fits(pid, wanted, inner):
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino == wanted and inner == numbers_of(pid)[-1]
    except OSError:
        return False


def check_spawn(pid):
    return len(numbers_of(pid)) > len(numbers_of("self")) and numbers_of(pid)[-1] == 1
