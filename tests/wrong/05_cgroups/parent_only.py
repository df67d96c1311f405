# mistake: only the last directory above hands its controllers down
# fails: make_controllers
# says: does not reach the new cgroup

def make_cgroup(kernel, path):
    os.makedirs(path, exist_ok=True)
    above = os.path.dirname(path)
    for name in kernel.read(f"{above}/cgroup.controllers").split():
        if name in CONTROLLERS:
            kernel.write(f"{above}/cgroup.subtree_control", f"+{name}")
