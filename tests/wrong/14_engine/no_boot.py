# mistake: the start time is compared, and the boot is not
# fails: status_real
# says: another boot: expected 'crashed', got 'running'

def status_of(record, proc):
    if record.get("exit") is not None:
        return "exited"
    if None in (record.get("pid"), record.get("start"), record.get("boot")):
        return "unknown"
    state, start = stat_of(record["pid"], proc)
    return "running" if start == record["start"] and state not in ("", "Z", "X") else "crashed"
