# mistake: the table itself is locked; who holds PATH.lock is not waited for
# fails: lease_at_once
# says: holds PATH.lock


def lease(kernel, path, subnet, owner):
    import fcntl

    with open(path, "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        taken = [line.split("\t")[0] for line in file]
        network = ipaddress.ip_network(subnet)
        for number in range(2, network.num_addresses - 1):
            address = str(network.network_address + number)
            if address not in taken:
                file.write(f"{address}\t{owner}\n")
                return address
    raise LookupError("full")
