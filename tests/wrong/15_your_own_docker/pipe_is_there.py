# mistake: the pipe's file is asked, and not who reads it
# fails: state
# says: its command runs


def state(directory):
    record = load(directory)
    if not record:
        return "creating"
    letter, began = seen(record["pid"])
    if letter in ("", "Z", "X") or (began, boot()) != (record["began"], record["boot"]):
        return "stopped"
    return "created" if os.path.exists(f"{directory}/go") else "running"
