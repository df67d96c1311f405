# mistake: the source is made read-only, and then bound
# fails: bind_source
# says: is read-only now; only the target must be

def bind(kernel, source, target, read_only):
    if read_only:
        kernel.mount_setattr(source, MOUNT_ATTR_RDONLY, True)
    kernel.mount(source, target, "", MS_BIND | MS_REC)
