# mistake: only a process that began later than the record says is another one
# fails: state
# says: which began before

def state(directory):
    record = load(directory)
    if not record:
        return "creating"
    letter, began = seen(record["pid"])
    if letter in ("", "Z", "X") or boot() != record["boot"] or began > record["began"]:
        return "stopped"
    try:
        os.close(os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK))
        return "created"
    except OSError:
        return "running"
