# mistake: what a container is, is looked at once, and remembered
# fails: state
# says: was started since

known = {}


def state(directory):
    if directory not in known:
        known[directory] = look(directory)
    return known[directory]


def look(directory):
    record = load(directory)
    if not record:
        return "creating"
    letter, began = seen(record["pid"])
    if letter in ("", "Z", "X") or (began, boot()) != (record["began"], record["boot"]):
        return "stopped"
    try:
        os.close(os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK))
        return "created"
    except OSError:
        return "running"
