# right: sets, and the lock as a file


def lease(kernel, path, subnet, owner):
    import contextlib

    with contextlib.closing(os.fdopen(kernel.lock(f"{path}.lock"))):
        try:
            table = kernel.read(path)
        except FileNotFoundError:
            table = ""
        network = ipaddress.IPv4Network(subnet)
        free = (
            set(network)
            - {network[0], network[1], network[-1]}
            - {ipaddress.IPv4Address(line.partition("\t")[0]) for line in table.splitlines()}
        )
        if not free:
            raise LookupError("full")
        one = str(min(free))
        kernel.rewrite(path, table + one + "\t" + owner + "\n")
        return one
