# mistake: a zombie counts as alive
# fails: status_real
# says: it is a zombie: expected 'crashed', got 'running'

def status_of(record, proc):
    if record.get("exit") is not None:
        return "exited"
    if None in (record.get("pid"), record.get("start"), record.get("boot")):
        return "unknown"
    same = stat_of(record["pid"], proc)[1] == record["start"] and boot_of(proc) == record["boot"]
    return "running" if same else "crashed"
