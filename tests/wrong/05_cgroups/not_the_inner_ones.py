# mistake: the cgroups below are forgotten
# fails: remove_all
# says: rmdir(2)

def remove(kernel, path):
    if os.path.exists(path):
        kernel.write(f"{path}/cgroup.kill", "1")
        time.sleep(1)
        kernel.rmdir(path)
