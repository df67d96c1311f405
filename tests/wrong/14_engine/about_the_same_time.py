# mistake: a start that is one tick away counts as the same
# fails: status_told
# says: expected 'crashed', got 'running'

def status_of(record, proc):
    if record.get("exit") is not None:
        return "exited"
    if None in (record.get("pid"), record.get("start"), record.get("boot")):
        return "unknown"
    state, start = stat_of(record["pid"], proc)
    same = abs(start - record["start"]) <= 1 and boot_of(proc) == record["boot"]
    return "running" if same and state not in ("", "Z", "X") else "crashed"
