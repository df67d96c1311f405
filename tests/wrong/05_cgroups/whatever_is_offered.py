# mistake: every controller that is offered is handed down, not the three
# fails: make_path
# says: a controller that nobody asked for

def make_cgroup(kernel, path):
    above = ROOT
    for part in path.removeprefix(ROOT).strip("/").split("/"):
        for name in kernel.read(f"{above}/cgroup.controllers").split():
            kernel.write(f"{above}/cgroup.subtree_control", f"+{name}")
        above = f"{above}/{part}"
        if not os.path.exists(above):
            kernel.mkdir(above)
