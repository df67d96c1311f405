# mistake: copies of the files are mounted
# fails: etc_layer
# says: does not reach


def place_etc_files(kernel, directory, root):
    os.makedirs("/tmp/copies", exist_ok=True)
    for name in ("hosts", "hostname", "resolv.conf"):
        shutil.copy(f"{directory}/{name}", f"/tmp/copies/{name}")
        kernel.mount(f"/tmp/copies/{name}", f"{root}/etc/{name}", "", MS_BIND)
