# right: functools.partial and map; arguments by name

from functools import partial


def one(kernel, directory, root, name):
    kernel.mount(
        source=os.path.join(directory, name), target=os.path.join(root, "etc", name), flags=MS_BIND
    )


def place_etc_files(kernel, directory, root):
    list(map(partial(one, kernel, directory, root), ("hostname", "hosts", "resolv.conf")))
