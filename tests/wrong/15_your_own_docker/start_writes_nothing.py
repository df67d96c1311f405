# mistake: the pipe is opened and closed: nobody has written a byte
# fails: start_once
# says: did not let its command begin


def start(directory):
    try:
        go = os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as problem:
        if problem.errno not in (ENXIO, ENOENT):
            raise
        raise ValueError(f"{directory}: the container is not created") from None
    os.close(go)
