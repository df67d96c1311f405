# mistake: symbolic links are written into the tree
# fails: etc_layer
# says: a commit would carry it away

def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname", "resolv.conf"):
        os.unlink(f"{root}/etc/{name}")
        os.symlink(f"{directory}/{name}", f"{root}/etc/{name}")
