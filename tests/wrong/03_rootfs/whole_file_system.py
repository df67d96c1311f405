# mistake: MS_BIND is missing: the file system itself becomes read-only
# fails: read_only_host
# says: The whole file system became read-only

def read_only_root(kernel):
    kernel.mount("", "/", "", MS_REMOUNT | MS_RDONLY)
