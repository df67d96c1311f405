# mistake: when there is no lock to be had, it goes on without one
# fails: lease_free
# says: goes on in silence


def lease(kernel, path, subnet, owner):
    lock = -1
    try:
        lock = kernel.lock(path + ".lock")
    except OSError:
        pass
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line.split("\t")[0] for line in table.splitlines()}
        for host in list(ipaddress.ip_network(subnet).hosts())[1:]:
            if str(host) not in taken:
                kernel.rewrite(path, f"{table}{host}\t{owner}\n")
                return str(host)
        raise LookupError(subnet)
    finally:
        if lock >= 0:
            os.close(lock)
