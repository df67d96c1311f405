# mistake: None is no address and no error
# fails: lease_full
# says: must raise LookupError


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line.split("\t")[0] for line in table.splitlines()}
        for host in list(ipaddress.ip_network(subnet).hosts())[1:]:
            address = str(host)
            if address not in taken:
                kernel.rewrite(path, f"{table}{address}\t{owner}\n")
                return address
        return None
    finally:
        os.close(lock)
