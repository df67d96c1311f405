# mistake: a refused write is passed over
# fails: make_path
# says: refuses write


def make_cgroup(kernel, path):
    above = ROOT
    for part in path.removeprefix(ROOT).strip("/").split("/"):
        offered = kernel.read(f"{above}/cgroup.controllers").split()
        for name in CONTROLLERS:
            if name in offered:
                try:
                    kernel.write(f"{above}/cgroup.subtree_control", f"+{name}")
                except OSError:
                    pass
        above = f"{above}/{part}"
        if not os.path.exists(above):
            kernel.mkdir(above)
