# mistake: nobody waits, and start says nothing
# fails: start_refuses
# says: start did not refuse


def start(directory):
    try:
        go = os.open(f"{directory}/go", os.O_WRONLY | os.O_NONBLOCK)
    except OSError as problem:
        if problem.errno not in (ENXIO, ENOENT):
            raise
        return
    os.write(go, b"0")
    os.close(go)
