# mistake: the procfs that was given is not the one that is read
# fails: status_told
# says: expected 'running', got 'crashed'

def status_of(record, proc):
    if record.get("exit") is not None:
        return "exited"
    if None in (record.get("pid"), record.get("start"), record.get("boot")):
        return "unknown"
    state, start = stat_of(record["pid"], "/proc")
    same = start == record["start"] and boot_of("/proc") == record["boot"]
    return "running" if same and state not in ("", "Z", "X") else "crashed"
