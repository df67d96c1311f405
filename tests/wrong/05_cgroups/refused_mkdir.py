# mistake: a refused mkdir is passed over
# fails: make_path
# says: refuses mkdir


def make_cgroup(kernel, path):
    above = ROOT
    for part in path.removeprefix(ROOT).strip("/").split("/"):
        offered = kernel.read(f"{above}/cgroup.controllers").split()
        for name in CONTROLLERS:
            if name in offered:
                kernel.write(f"{above}/cgroup.subtree_control", f"+{name}")
        above = f"{above}/{part}"
        if not os.path.exists(above):
            try:
                kernel.mkdir(above)
            except OSError:
                pass
