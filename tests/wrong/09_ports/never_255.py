# mistake: addresses that end in 0 or 255 are left out
# fails: lease_full
# says: taken: all up to


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line.split("\t")[0] for line in table.splitlines()}
        for host in list(ipaddress.ip_network(subnet).hosts())[1:]:
            address = str(host)
            if address not in taken and not address.endswith((".0", ".255")):
                kernel.rewrite(path, f"{table}{address}\t{owner}\n")
                return address
        raise LookupError(f"no address of {subnet} is free")
    finally:
        os.close(lock)
