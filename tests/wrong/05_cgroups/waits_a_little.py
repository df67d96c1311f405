# mistake: after a short wait the cgroup is thought to be empty, and what remains is passed over
# fails: remove_all
# says: the cgroup is still there


def remove(kernel, path):
    if not os.path.exists(path):
        return
    kernel.write(f"{path}/cgroup.kill", "1")
    time.sleep(0.05)
    for directory, _, _ in os.walk(path, topdown=False):
        try:
            kernel.rmdir(directory)
        except OSError:
            continue
