# mistake: each file is mounted twice
# fails: etc_mounted
# says: twice


def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname", "resolv.conf") * 2:
        kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
