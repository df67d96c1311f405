# mistake: only children of init, and theirs, are looked at: who entered by setns is nobody's child there
# fails: host_pid_equal
# says: host_pid_of found the wrong process

def below(pid):
    yield int(pid)
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        for child in file.read().split():
            yield from below(child)


def host_pid_of(init, inner):
    try:
        namespace = os.readlink(f"/proc/{init}/ns/pid")
    except FileNotFoundError:
        raise LookupError(f"no process {init}") from None
    for pid in below(init):
        if os.readlink(f"/proc/{pid}/ns/pid") == namespace and numbers_of(pid)[-1] == inner:
            return pid
    raise LookupError(f"no process {inner} in the container of {init}")
