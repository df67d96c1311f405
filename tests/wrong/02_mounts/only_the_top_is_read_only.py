# mistake: the remount changes one mount, not those below
# fails: bind_read_only
# says: /deep: rw

def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        kernel.mount("", target, "", MS_REMOUNT | MS_BIND | MS_RDONLY)
