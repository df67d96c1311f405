# right: status_of reads procfs by itself, from the last bracket

def status_of(record, proc):
    exit_status, *who = map(record.get, ("exit", "pid", "start", "boot"))
    if exit_status is not None:
        return "exited"
    if any(one is None for one in who):
        return "unknown"
    try:
        with open(os.path.join(proc, str(who[0]), "stat"), "rb") as file:
            words = file.read().rsplit(b")", 1)[1].split()
    except OSError:
        return "crashed"
    dead = words[0] in (b"Z", b"X", b"x") or int(words[19]) != who[1] or boot_of(proc) != who[2]
    return "crashed" if dead else "running"
