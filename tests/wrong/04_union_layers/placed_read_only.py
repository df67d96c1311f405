# mistake: a container changes its hosts file now and then: read-only, it cannot
# fails: etc_layer
# says: Read-only file system


def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname", "resolv.conf"):
        kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
        kernel.mount("", f"{root}/etc/{name}", "", MS_BIND | 32 | 1)
