# mistake: the line is not in the table's form
# fails: lease_free
# says: does not say what lease has returned


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line.split()[0] for line in table.splitlines()}
        for host in list(ipaddress.ip_network(subnet).hosts())[1:]:
            address = str(host)
            if address not in taken:
                kernel.rewrite(path, f"{table}{address} {owner}\n")
                return address
        raise LookupError(f"no address of {subnet} is free")
    finally:
        os.close(lock)
