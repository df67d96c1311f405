# mistake: a new /etc with three files hides those of the image
# fails: etc_mounted
# says: not expected


def place_etc_files(kernel, directory, root):
    kernel.mount("tmpfs", f"{root}/etc", "tmpfs")
    for name in ("hosts", "hostname", "resolv.conf"):
        open(f"{root}/etc/{name}", "w").close()
        kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
