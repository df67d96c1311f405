# mistake: it begins at the top, where rmdir says EBUSY for ever
# fails: remove_all
# says: without end


def remove(kernel, path):
    if not os.path.exists(path):
        return
    kernel.write(f"{path}/cgroup.kill", "1")
    for directory, _, _ in os.walk(path):
        while os.path.exists(directory):
            try:
                kernel.rmdir(directory)
            except OSError as problem:
                if problem.errno != EBUSY:
                    raise
                time.sleep(0.01)
