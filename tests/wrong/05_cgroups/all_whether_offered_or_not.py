# mistake: a controller is asked for that is not offered here
# fails: make_controllers
# says: cgroup.subtree_control: ENOENT

def make_cgroup(kernel, path):
    above = ROOT
    for part in path.removeprefix(ROOT).strip("/").split("/"):
        kernel.write(f"{above}/cgroup.subtree_control", "+cpu +memory +pids")
        above = f"{above}/{part}"
        if not os.path.exists(above):
            kernel.mkdir(above)
