# right: from the parents of the path; all names in one write; mkdir is asked in any case


def make_cgroup(kernel, path):
    from pathlib import PurePosixPath
    steps = [str(p) for p in reversed(PurePosixPath(path).parents) if str(p).startswith(ROOT)]
    for here, below in zip(steps, [*steps[1:], path], strict=True):
        words = [f"+{n}" for n in kernel.read(f"{here}/cgroup.controllers").split() if n in CONTROLLERS]
        if words:
            kernel.write(f"{here}/cgroup.subtree_control", " ".join(words))
        try:
            kernel.mkdir(below)
        except FileExistsError:
            pass
