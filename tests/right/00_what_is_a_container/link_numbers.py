# right: numbers cut out of the links' texts; arguments by keyword

def set_hostname(kernel, name):
    kernel.unshare(flags=CLONE_NEWUTS)
    kernel.sethostname(name=name)


def namespaces_of(pid):
    folder = f"/proc/{pid}/ns"
    links = [os.readlink(f"{folder}/{name}") for name in os.listdir(folder)]
    return dict(
        (name, int(link[link.index("[") + 1 : -1]))
        for name, link in zip(os.listdir(folder), links, strict=True)
    )
