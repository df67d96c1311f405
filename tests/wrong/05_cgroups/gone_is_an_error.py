# mistake: a cgroup that is gone already is no error
# fails: remove_beside
# says: cgroup.kill:

def remove(kernel, path):
    kernel.write(f"{path}/cgroup.kill", "1")
    for directory, _, _ in os.walk(path, topdown=False):
        while os.path.exists(directory):
            try:
                kernel.rmdir(directory)
            except OSError:
                time.sleep(0.01)
