# mistake: after an error nobody lets go
# fails: lease_full
# says: waits for something


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    table = kernel.read(path) if kernel.exists(path) else ""
    taken = {line.split("\t")[0] for line in table.splitlines()}
    free = [str(host) for host in list(ipaddress.ip_network(subnet).hosts())[1:]]
    address = next((one for one in free if one not in taken), None)
    if address is None:
        raise LookupError(subnet)
    kernel.rewrite(path, f"{table}{address}\t{owner}\n")
    os.close(lock)
    return address
