# right: ExitStack, numbers of the network, and a generator


def lease(kernel, path, subnet, owner):
    import contextlib

    with contextlib.ExitStack() as stack:
        stack.callback(os.close, kernel.lock(f"{path}.lock"))
        text = kernel.read(path) if kernel.exists(path) else ""
        taken = {row.partition("\t")[0] for row in text.splitlines()}
        net = ipaddress.IPv4Network(subnet)
        free = next(
            (str(net[n]) for n in range(2, net.num_addresses - 1) if str(net[n]) not in taken), None
        )
        if free is None:
            raise IndexError(subnet)
        kernel.rewrite(path, text + "\t".join((free, owner)) + "\n")
        return free
