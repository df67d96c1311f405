# mistake: only the first addresses of a large subnet are looked at
# fails: lease_full
# says: first free address


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line.split("\t")[0] for line in table.splitlines()}
        for a in list(ipaddress.ip_network(subnet).hosts())[1:600]:
            if str(a) not in taken:
                kernel.rewrite(path, table + f"{a}\t{owner}\n")
                return str(a)
        raise LookupError
    finally:
        os.close(lock)
