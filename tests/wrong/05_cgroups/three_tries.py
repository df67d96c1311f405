# mistake: rmdir is tried three times, and then no more
# fails: remove_all
# says: the cgroup is still there


def remove(kernel, path):
    if not os.path.exists(path):
        return
    kernel.write(f"{path}/cgroup.kill", "1")
    for directory, _, _ in os.walk(path, topdown=False):
        for _ in range(3):
            try:
                kernel.rmdir(directory)
                break
            except OSError as problem:
                if problem.errno != EBUSY:
                    raise
                time.sleep(0.01)
