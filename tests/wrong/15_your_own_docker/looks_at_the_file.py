# mistake: that there is a pipe is taken for somebody who waits
# fails: start_once
# says: start did not refuse


def start(directory):
    try:
        go = os.open(f"{directory}/go", os.O_RDWR)
    except OSError as problem:
        if problem.errno not in (ENXIO, ENOENT):
            raise
        raise ValueError(f"{directory}: the container is not created") from None
    os.write(go, b"0")
    os.close(go)
