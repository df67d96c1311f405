# mistake: one controller is enough for nobody
# fails: make_controllers
# says: MISSING   pids

def make_cgroup(kernel, path):
    above = ROOT
    for part in path.removeprefix(ROOT).strip("/").split("/"):
        kernel.write(f"{above}/cgroup.subtree_control", "+memory")
        above = f"{above}/{part}"
        os.makedirs(above, exist_ok=True)
