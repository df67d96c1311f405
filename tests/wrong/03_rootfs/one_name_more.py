# mistake: a name that nobody asked for
# fails: dev_nodes
# says: as the docstring says


def make_dev(kernel, root, before=make_dev):
    before(kernel, root)
    old = kernel.umask(0)
    kernel.symlink("null", f"{root}/dev/kmsg")
    kernel.umask(old)
