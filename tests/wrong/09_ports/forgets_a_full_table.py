# mistake: a full table is begun anew
# fails: lease_full
# says: table as it was


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line.split("\t")[0] for line in table.splitlines()}
        for a in list(ipaddress.ip_network(subnet).hosts())[1:]:
            if str(a) not in taken:
                kernel.rewrite(path, table + f"{a}\t{owner}\n")
                return str(a)
        kernel.rewrite(path, "")
        raise LookupError
    finally:
        os.close(lock)
