# mistake: exit status 0 is taken for no exit status
# fails: status_told
# says: 'exit': 0}: expected 'exited'

def status_of(record, proc):
    if record.get("exit"):
        return "exited"
    if None in (record.get("pid"), record.get("start"), record.get("boot")):
        return "unknown"
    state, start = stat_of(record["pid"], proc)
    same = start == record["start"] and boot_of(proc) == record["boot"]
    return "running" if same and state not in ("", "Z", "X") else "crashed"
