# mistake: a mount beside the target, whose name begins alike, gets read-only too
# fails: bind_source
# says: beside


def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        for words in mount_lines("self"):
            if (place := unescaped(words[4])).startswith(target):
                kernel.mount_setattr(place, MOUNT_ATTR_RDONLY, False)
