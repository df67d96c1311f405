# mistake: that there is no pipe comes out as another error
# fails: start_refuses
# says: there is no pipe


def start(directory):
    try:
        go = os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as problem:
        if problem.errno not in (ENXIO,):
            raise
        raise ValueError(f"{directory}: the container is not created") from None
    os.write(go, b"0")
    os.close(go)
