# mistake: what has no record yet is said to have ended
# fails: state
# says: no record yet


def state(directory):
    record = load(directory)
    if not record:
        return "stopped"
    letter, began = seen(record["pid"])
    if letter in ("", "Z", "X") or (began, boot()) != (record["began"], record["boot"]):
        return "stopped"
    try:
        os.close(os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK))
        return "created"
    except OSError:
        return "running"
