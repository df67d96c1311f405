# mistake: only the lines of this subnet are written again
# fails: lease_free
# says: 10.250.3.4


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        text = kernel.read(path) if kernel.exists(path) else ""
        net = ipaddress.ip_network(subnet)
        table = {}
        for line in text.splitlines():
            a, o = line.split("\t")
            if ipaddress.ip_address(a) in net:
                table[a] = o
        for host in list(net.hosts())[1:]:
            if str(host) not in table:
                table[str(host)] = owner
                kernel.rewrite(path, "".join(f"{a}\t{o}\n" for a, o in table.items()))
                return str(host)
        raise LookupError("full")
    finally:
        os.close(lock)
