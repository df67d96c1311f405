# mistake: a record of an earlier boot is believed
# fails: state
# says: earlier boot


def state(directory):
    record = load(directory)
    if not record:
        return "creating"
    letter, began = seen(record["pid"])
    if letter in ("", "Z", "X") or began != record["began"]:
        return "stopped"
    try:
        os.close(os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK))
        return "created"
    except OSError:
        return "running"
