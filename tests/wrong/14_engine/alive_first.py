# mistake: what lives is running, whatever exit status the record has
# fails: status_told
# says: expected 'exited', got 'running'

def status_of(record, proc):
    if None not in (record.get("pid"), record.get("start"), record.get("boot")):
        state, start = stat_of(record["pid"], proc)
        if start == record["start"] and boot_of(proc) == record["boot"]:
            if state not in ("", "Z", "X"):
                return "running"
    if record.get("exit") is not None:
        return "exited"
    return "crashed" if record.get("pid") and record.get("start") and record.get("boot") else "unknown"
