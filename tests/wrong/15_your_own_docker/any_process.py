# mistake: a number that is used again is taken for the container
# fails: state
# says: another process's now


def state(directory):
    record = load(directory)
    if not record:
        return "creating"
    letter, _ = seen(record["pid"])
    if letter in ("", "Z", "X"):
        return "stopped"
    try:
        os.close(os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK))
        return "created"
    except OSError:
        return "running"
