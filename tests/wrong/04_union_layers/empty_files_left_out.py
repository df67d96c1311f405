# mistake: an empty file is thought to need no mount: then its container writes into its layer
# fails: etc_mounted
# says: The three files are not mounted

def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname", "resolv.conf"):
        if os.path.getsize(f"{directory}/{name}"):
            kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
