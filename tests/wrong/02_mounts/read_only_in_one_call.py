# mistake: mount(2) with MS_BIND ignores MS_RDONLY
# fails: bind_read_only
# says: BAD       /tmp/a box

def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC | (MS_RDONLY if read_only else 0))
