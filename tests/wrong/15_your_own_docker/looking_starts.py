# mistake: to see whether somebody waits, it writes a byte
# fails: state
# says: has started it


def state(directory):
    record = load(directory)
    if not record:
        return "creating"
    letter, began = seen(record["pid"])
    if letter in ("", "Z", "X") or (began, boot()) != (record["began"], record["boot"]):
        return "stopped"
    try:
        os.write(os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK), b"0")
        return "created"
    except OSError:
        return "running"
