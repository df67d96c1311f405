# mistake: the files are copied into the tree
# fails: etc_mounted
# says: The three files are not mounted

def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname", "resolv.conf"):
        shutil.copy(f"{directory}/{name}", f"{root}/etc/{name}")
