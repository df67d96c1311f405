# mistake: the address is given, and nobody notes it
# fails: lease_free
# says: first free address


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line.split("\t")[0] for line in table.splitlines()}
        for host in list(ipaddress.ip_network(subnet).hosts())[1:]:
            address = str(host)
            if address not in taken:
                return address
        raise LookupError(f"no address of {subnet} is free")
    finally:
        os.close(lock)
