# mistake: who has an address gets the same one again
# fails: lease_free
# says: first free address


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        for line in table.splitlines():
            if line.split("\t")[1:] == [owner]:
                return line.split("\t")[0]
        taken = {line.split("\t")[0] for line in table.splitlines()}
        for host in list(ipaddress.ip_network(subnet).hosts())[1:]:
            if str(host) not in taken:
                kernel.rewrite(path, f"{table}{host}\t{owner}\n")
                return str(host)
        raise LookupError
    finally:
        os.close(lock)
