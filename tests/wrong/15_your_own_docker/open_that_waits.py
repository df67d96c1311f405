# mistake: an open without O_NONBLOCK waits for a reader that never comes
# fails: start_refuses
# says: waits for something


def start(directory):
    try:
        go = os.open(f"{directory}/go", os.O_WRONLY)
    except OSError as problem:
        if problem.errno not in (ENXIO, ENOENT):
            raise
        raise ValueError(f"{directory}: the container is not created") from None
    os.write(go, b"0")
    os.close(go)
