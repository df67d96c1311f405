# mistake: the mounts on the mounts below stay writable
# fails: bind_read_only
# says: rw


def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        for words in mount_lines("self"):
            if words[4] == target or os.path.dirname(words[4]) == target:
                kernel.mount_setattr(words[4], MOUNT_ATTR_RDONLY, False)
