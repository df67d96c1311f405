# right: by numbers; the new line stands in front; KeyError is a LookupError


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line[: line.index("\t")] for line in table.split("\n") if line}
        network = ipaddress.ip_network(subnet)
        number = int(network.network_address) + 2
        while number < int(network.broadcast_address):
            one = str(ipaddress.ip_address(number))
            if one not in taken:
                kernel.rewrite(path, f"{one}\t{owner}\n{table}")
                return one
            number += 1
        raise KeyError(subnet)
    finally:
        os.close(lock)
