# mistake: a process that SIGSTOP has halted counts as one that has ended
# fails: state
# says: halted by SIGSTOP

def state(directory):
    record = load(directory)
    if not record:
        return "creating"
    letter, began = seen(record["pid"])
    if letter not in "SR" or (began, boot()) != (record["began"], record["boot"]):
        return "stopped"
    try:
        os.close(os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK))
        return "created"
    except OSError:
        return "running"
