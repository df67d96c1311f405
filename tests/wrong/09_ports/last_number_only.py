# mistake: it counts in the last number alone
# fails: lease_full
# says: taken: all up to


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line.split("\t")[0] for line in table.splitlines()}
        net = ipaddress.ip_network(subnet)
        base, first = str(net.network_address).rsplit(".", 1)
        for n in range(int(first) + 2, min(int(first) + net.num_addresses - 1, 255)):
            address = f"{base}.{n}"
            if address not in taken:
                kernel.rewrite(path, f"{table}{address}\t{owner}\n")
                return address
        raise LookupError(f"no address of {subnet} is free")
    finally:
        os.close(lock)
