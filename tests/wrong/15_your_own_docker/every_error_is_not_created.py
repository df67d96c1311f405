# mistake: every error is said to be "not created"
# fails: start_refuses
# says: start hid an error


def start(directory):
    try:
        go = os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        raise ValueError(f"{directory}: the container is not created") from None
    os.write(go, b"0")
    os.close(go)
