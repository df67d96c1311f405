# right: mounted in another order, and by the name that the kernel's own guard gives

def place_etc_files(kernel, directory, root):
    for name in ("resolv.conf", "hostname", "hosts"):
        kernel.mount(f"{directory}/{name}", kernel.target(root, f"/etc/{name}", "file"), "", MS_BIND)
