# mistake: a directory that exists is removed and made anew
# fails: make_path
# says: made a directory anew


def make_cgroup(kernel, path):
    above = ROOT
    for part in path.removeprefix(ROOT).strip("/").split("/"):
        offered = kernel.read(f"{above}/cgroup.controllers").split()
        for name in CONTROLLERS:
            if name in offered:
                kernel.write(f"{above}/cgroup.subtree_control", f"+{name}")
        above = f"{above}/{part}"
        if os.path.exists(above):
            try:
                kernel.rmdir(above)
            except OSError:
                continue
        kernel.mkdir(above)
