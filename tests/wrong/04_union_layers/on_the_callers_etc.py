# mistake: the /etc of whoever calls is covered too
# fails: etc_mounted
# says: not expected


def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname", "resolv.conf"):
        kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
        kernel.mount(f"{directory}/{name}", f"/etc/{name}", "", MS_BIND)
