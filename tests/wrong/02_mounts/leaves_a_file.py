# mistake: it tries whether it can write there, and leaves the file in the source
# fails: bind_source
# says: made or removed a file


def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    open(f"{target}/.test", "w").close()
    if read_only:
        kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, True)
