# mistake: the look was before the lock
# fails: lease_at_once
# says: Two containers got the same address


def lease(kernel, path, subnet, owner):
    table = kernel.read(path) if kernel.exists(path) else ""
    taken = {line.split("\t")[0] for line in table.splitlines()}
    free = [str(host) for host in list(ipaddress.ip_network(subnet).hosts())[1:]]
    lock = kernel.lock(path + ".lock")
    try:
        address = next((one for one in free if one not in taken), None)
        if address is None:
            raise LookupError(subnet)
        kernel.rewrite(path, f"{table}{address}\t{owner}\n")
        return address
    finally:
        os.close(lock)
