# mistake: all that lies beside it is ended as well
# fails: remove_beside
# says: touched a cgroup beside

def remove(kernel, path):
    if not os.path.exists(path):
        return
    kernel.write(f"{os.path.dirname(path)}/cgroup.kill", "1")
    for directory, _, _ in os.walk(path, topdown=False):
        while os.path.exists(directory):
            try:
                kernel.rmdir(directory)
            except OSError:
                time.sleep(0.01)
