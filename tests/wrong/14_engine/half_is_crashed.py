# mistake: half a record is called crashed
# fails: status_told
# says: expected 'unknown', got 'crashed'

def status_of(record, proc):
    if record.get("exit") is not None:
        return "exited"
    state, start = stat_of(record.get("pid"), proc)
    same = start == record.get("start") and boot_of(proc) == record.get("boot")
    return "running" if same and state not in ("", "Z", "X") else "crashed"
