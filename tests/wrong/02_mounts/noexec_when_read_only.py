# mistake: read-only is thought to mean that nothing runs
# fails: bind_read_only
# says: has not the options of its source


def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        kernel.mount_setattr(target, MOUNT_ATTR_RDONLY | 0x8, True)
