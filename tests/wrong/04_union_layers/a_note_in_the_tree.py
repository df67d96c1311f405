# mistake: a file of its own is left in /etc
# fails: etc_layer
# says: written into the tree


def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname", "resolv.conf"):
        kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
    open(f"{root}/etc/.placed", "w").close()
