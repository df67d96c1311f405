# mistake: SIGTERM can be ignored
# fails: remove_all
# says: deaf process: alive

def remove(kernel, path):
    if not os.path.exists(path):
        return
    for directory, _, _ in os.walk(path, topdown=False):
        for pid in kernel.read(f"{directory}/cgroup.procs").split():
            try:
                kernel.kill(int(pid), 15)
            except OSError:
                pass
        while os.path.exists(directory):
            try:
                kernel.rmdir(directory)
            except OSError:
                time.sleep(0.01)
