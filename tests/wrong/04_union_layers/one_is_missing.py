# mistake: resolv.conf is forgotten
# fails: etc_mounted
# says: resolv.conf

def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname"):
        kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
