# mistake: the fields of stat are counted from its beginning: names hold blanks
# fails: status_told
# says: expected 'running'

def status_of(record, proc):
    if record.get("exit") is not None:
        return "exited"
    if None in (record.get("pid"), record.get("start"), record.get("boot")):
        return "unknown"
    try:
        with open(f"{proc}/{record['pid']}/stat") as file:
            fields = file.read().split()
    except FileNotFoundError:
        return "crashed"
    same = fields[21] == str(record["start"]) and boot_of(proc) == record["boot"]
    return "running" if same and fields[2] not in "ZX" else "crashed"
