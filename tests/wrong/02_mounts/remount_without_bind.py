# mistake: the file system itself is made read-only, for everybody
# fails: bind_source
# says: The file system store itself is read-only

def bind(kernel, source, target, read_only):
    kernel.mount(source, target, "", MS_BIND | MS_REC)
    if read_only:
        kernel.mount("", target, "", MS_REMOUNT | MS_RDONLY)
        kernel.mount("", f"{target}/deep", "", MS_REMOUNT | MS_RDONLY)
