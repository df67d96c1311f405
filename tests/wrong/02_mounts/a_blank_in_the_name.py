# mistake: names are taken as the kernel wrote them, and what is not found is passed over
# fails: bind_read_only
# says: two words


def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        for words in mount_lines("self"):
            if words[4] == target or words[4].startswith(target + "/"):
                try:
                    kernel.mount_setattr(words[4], MOUNT_ATTR_RDONLY, False)
                except FileNotFoundError:
                    pass
