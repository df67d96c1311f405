# mistake: the new cgroup hands its controllers down, so nobody can live in it
# fails: make_controllers
# says: it hands its controllers down itself

def make_cgroup(kernel, path):
    above = ROOT
    for part in ["", *path.removeprefix(ROOT).strip("/").split("/")]:
        above = f"{above}/{part}".rstrip("/")
        os.makedirs(above, exist_ok=True)
        for name in kernel.read(f"{above}/cgroup.controllers").split():
            if name in CONTROLLERS:
                kernel.write(f"{above}/cgroup.subtree_control", f"+{name}")
