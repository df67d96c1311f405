# mistake: the pids are thought to follow one another
# fails: host_pid_equal
# says: found the wrong process

def host_pid_of(init, inner):
    pid = init + inner - 1
    if not os.path.exists(f"/proc/{pid}") or inner > 50:
        raise LookupError(inner)
    return pid + (inner > 1)
