# mistake: a zombie is taken for a running process
# fails: state
# says: is a zombie


def state(directory):
    record = load(directory)
    if not record:
        return "creating"
    letter, began = seen(record["pid"])
    if letter in ("",) or (began, boot()) != (record["began"], record["boot"]):
        return "stopped"
    try:
        os.close(os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK))
        return "created"
    except OSError:
        return "running"
