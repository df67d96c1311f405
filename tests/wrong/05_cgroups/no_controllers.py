# mistake: the directories are made, and nobody hands a controller down
# fails: make_controllers
# says: does not reach the new cgroup

def make_cgroup(kernel, path):
    os.makedirs(path, exist_ok=True)
