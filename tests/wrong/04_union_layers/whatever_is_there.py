# mistake: every file of the directory is shown, not the three
# fails: etc_mounted
# says: another


def place_etc_files(kernel, directory, root):
    for name in os.listdir(directory):
        if not os.path.exists(f"{root}/etc/{name}"):
            open(f"{root}/etc/{name}", "w").close()
        kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
