# mistake: every error of rmdir counts as "busy", and after some tries it gives up in silence
# fails: remove_beside
# says: goes on in silence


def remove(kernel, path):
    if not os.path.exists(path):
        return
    kernel.write(f"{path}/cgroup.kill", "1")
    for directory, _, _ in os.walk(path, topdown=False):
        for _ in range(200):
            try:
                kernel.rmdir(directory)
                break
            except OSError as problem:
                if problem.errno != EBUSY:
                    break
                time.sleep(0.01)
