# mistake: what the kernel refuses is passed over: the volume stays writable
# fails: bind_read_only
# says: goes on in silence


def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        try:
            kernel.mount_setattr(target, MOUNT_ATTR_RDONLY, True)
        except OSError:
            print("could not make it read-only")
