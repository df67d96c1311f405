# mistake: the list is old when it has been read: a new generation escapes
# fails: remove_all
# says: many generations

def remove(kernel, path):
    if not os.path.exists(path):
        return
    for directory, _, _ in os.walk(path, topdown=False):
        for pid in kernel.read(f"{directory}/cgroup.procs").split():
            try:
                kernel.kill(int(pid), SIGKILL)
            except OSError:
                pass
        while os.path.exists(directory):
            try:
                kernel.rmdir(directory)
            except OSError:
                time.sleep(0.01)
