# mistake: a process that began with the boot began at 0, and counts as unknown
# fails: status_told
# says: expected 'running', got 'unknown'

def status_of(record, proc):
    if record.get("exit") is not None:
        return "exited"
    if not (record.get("pid") and record.get("start") and record.get("boot")):
        return "unknown"
    state, start = stat_of(record["pid"], proc)
    same = start == record["start"] and boot_of(proc) == record["boot"]
    return "running" if same and state not in ("", "Z", "X") else "crashed"
