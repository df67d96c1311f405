# mistake: the lock is let go before the entry is written
# fails: lease_at_once
# says: same address


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    table = kernel.read(path) if kernel.exists(path) else ""
    os.close(lock)
    taken = {line.split("\t")[0] for line in table.splitlines()}
    for a in list(ipaddress.ip_network(subnet).hosts())[1:]:
        if str(a) not in taken:
            kernel.rewrite(path, table + f"{a}\t{owner}\n")
            return str(a)
    raise LookupError
