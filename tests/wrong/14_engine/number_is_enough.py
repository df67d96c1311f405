# mistake: a number in /proc is taken for the process of the record
# fails: status_real
# says: its number belongs to a younger process: expected 'crashed', got 'running'

def status_of(record, proc):
    if record.get("exit") is not None:
        return "exited"
    if None in (record.get("pid"), record.get("start"), record.get("boot")):
        return "unknown"
    return "running" if os.path.exists(f"{proc}/{record['pid']}") else "crashed"
