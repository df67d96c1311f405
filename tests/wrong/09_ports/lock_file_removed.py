# mistake: the lock's file is removed after use: who waits for it holds a file of the past
# fails: lease_free
# says: lock file is gone


def lease(kernel, path, subnet, owner):
    lock = kernel.lock(path + ".lock")
    try:
        table = kernel.read(path) if kernel.exists(path) else ""
        taken = {line.split("\t")[0] for line in table.splitlines()}
        for a in list(ipaddress.ip_network(subnet).hosts())[1:]:
            if str(a) not in taken:
                kernel.rewrite(path, table + f"{a}\t{owner}\n")
                return str(a)
        raise LookupError
    finally:
        os.close(lock)
        try:
            os.unlink(path + ".lock")
        except FileNotFoundError:
            pass
