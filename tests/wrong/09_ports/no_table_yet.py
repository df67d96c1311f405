# mistake: the table is read before there is one
# fails: lease_at_once
# says: different


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path)
        taken = {line.split("\t")[0] for line in table.splitlines()}
        for host in list(ipaddress.ip_network(subnet).hosts())[1:]:
            if str(host) not in taken:
                kernel.rewrite(path, f"{table}{host}\t{owner}\n")
                return str(host)
        raise LookupError(subnet)
    finally:
        os.close(lock)
