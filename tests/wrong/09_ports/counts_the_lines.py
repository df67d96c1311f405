# mistake: as many as there are lines, though some in between are free
# fails: lease_free
# says: first free address


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = set()
        for host in list(ipaddress.ip_network(subnet).hosts())[1 + len(table.splitlines()) :]:
            address = str(host)
            if address not in taken:
                kernel.rewrite(path, f"{table}{address}\t{owner}\n")
                return address
        raise LookupError(f"no address of {subnet} is free")
    finally:
        os.close(lock)
