# mistake: the number after the last line's is given next: a gap is filled only by chance
# fails: lease_free
# says: expected

def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line.split("\t")[0] for line in table.splitlines()}
        hosts = [str(host) for host in ipaddress.ip_network(subnet).hosts()][1:]
        last = table.splitlines()[-1].split("\t")[0] if table else ""
        at = hosts.index(last) + 1 if last in hosts else 0
        for address in hosts[at:] + hosts[:at]:
            if address not in taken:
                kernel.rewrite(path, f"{table}{address}\t{owner}\n")
                return address
        raise LookupError(f"no address of {subnet} is free")
    finally:
        os.close(lock)
