# mistake: a blank in a name ends a word
# fails: bind_tree
# says: raised OSError


def bind(kernel, source, target, read_only):
    if os.system(f"mount --rbind {source} {target}"):
        raise OSError("mount")
    if read_only:
        kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, True)
