# mistake: the source is made private first, as if a bind could travel from there
# fails: bind_tree
# says: changed how mounts travel at

def bind(kernel, source, target, read_only):
    if os.path.ismount(source):
        kernel.mount("", source, "", MS_PRIVATE)
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, True)
