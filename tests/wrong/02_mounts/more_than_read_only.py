# mistake: an option that nobody asked for
# fails: bind_tree
# says: has not the options of its source


def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    kernel.mount_setattr(target, 0x2 | (MOUNT_ATTR_RDONLY if read_only else 0), True)
