# mistake: what is mounted below the source stays behind
# fails: bind_tree
# says: /deep at /tmp/a box

def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND)
    if read_only:
        kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, True)
