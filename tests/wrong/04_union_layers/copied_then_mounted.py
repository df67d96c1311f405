# mistake: a copy is made in the tree before the mount, "to have a mount point"
# fails: etc_layer
# says: a commit would carry it away

def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname", "resolv.conf"):
        shutil.copy(f"{directory}/{name}", f"{root}/etc/{name}")
        kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
