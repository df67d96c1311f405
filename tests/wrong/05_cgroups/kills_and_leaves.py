# mistake: the processes are ended, the directory stays
# fails: remove_all
# says: the cgroup is still there

def remove(kernel, path):
    if os.path.exists(path):
        kernel.write(f"{path}/cgroup.kill", "1")
        time.sleep(1)
