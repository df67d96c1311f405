# mistake: every process of the old cgroup comes along
# fails: place
# says: moved another process too

def place(kernel, path, pid):
    for each in kernel.read(f"{ROOT}/grader/cgroup.procs").split():
        kernel.write(f"{path}/cgroup.procs", each)
