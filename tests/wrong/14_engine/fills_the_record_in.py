# mistake: what the record lacks is written into it, and its caller has another record
# fails: status_told
# says: changed the record

def status_of(record, proc):
    for name in ("exit", "pid", "start", "boot"):
        record.setdefault(name, None)
    if record["exit"] is not None:
        return "exited"
    if None in (record["pid"], record["start"], record["boot"]):
        return "unknown"
    state, start = stat_of(record["pid"], proc)
    same = start == record["start"] and boot_of(proc) == record["boot"]
    return "running" if same and state not in ("", "Z", "X") else "crashed"
