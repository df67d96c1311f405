# mistake: the name of one file is misspelt
# fails: etc_mounted
# says: resolve.conf): ENOENT


def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname", "resolve.conf"):
        kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
