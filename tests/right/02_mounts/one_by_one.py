# right: every mount of the table by its own call, from the top of the tree down

def make_private(kernel):
    for words in mount_lines("self"):
        kernel.mount("", unescaped(words[4]), "", MS_REC | MS_PRIVATE)


def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    for words in mount_lines("self"):
        here = unescaped(words[4])
        if read_only and (here == target or here.startswith(target + "/")):
            kernel.mount_setattr(here, MOUNT_ATTR_RDONLY, False)
