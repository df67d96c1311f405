# mistake: the cgroups of the inner cgroups are left
# fails: remove_all
# says: the cgroup is still there


def remove(kernel, path):
    if not os.path.exists(path):
        return
    kernel.write(f"{path}/cgroup.kill", "1")
    for name in [*(e.path for e in os.scandir(path) if e.is_dir()), path]:
        while os.path.exists(name):
            try:
                kernel.rmdir(name)
            except OSError as problem:
                if problem.errno != EBUSY:
                    raise
                time.sleep(0.01)
