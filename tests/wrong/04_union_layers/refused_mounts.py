# mistake: a mount that is refused is passed over
# fails: etc_mounted
# says: goes on in silence


def place_etc_files(kernel, directory, root):
    for name in ("hosts", "hostname", "resolv.conf"):
        try:
            kernel.mount(f"{directory}/{name}", f"{root}/etc/{name}", "", MS_BIND)
        except OSError:
            continue
