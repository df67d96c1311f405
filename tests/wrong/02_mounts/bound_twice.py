# mistake: the tree is bound twice, one on the other
# fails: bind_tree
# says: mounts at


def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, True)
