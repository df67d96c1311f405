# mistake: 10.77.0.2 is also in 10.77.0.21
# fails: lease_free
# says: first free address


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        for host in list(ipaddress.ip_network(subnet).hosts())[1:]:
            address = str(host)
            if address not in table:
                kernel.rewrite(path, f"{table}{address}\t{owner}\n")
                return address
        raise LookupError(f"no address of {subnet} is free")
    finally:
        os.close(lock)
