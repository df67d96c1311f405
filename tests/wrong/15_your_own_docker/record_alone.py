# mistake: the state is what the record says
# fails: state
# says: its process is gone


def state(directory):
    record = load(directory)
    if not record:
        return "creating"
    try:
        os.close(os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK))
        return "created"
    except OSError:
        return "running"
