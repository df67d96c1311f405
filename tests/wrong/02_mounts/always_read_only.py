# mistake: read_only is not looked at
# fails: bind_tree
# says: is read-only, and nobody asked

def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, True)
