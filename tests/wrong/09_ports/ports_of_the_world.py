# mistake: the port of every machine is taken, not that of this host alone
# fails: publish_only
# says: of another machine leads to the container


def publish(kernel, port, lease):
    rule = f"{port.protocol} dport {port.host} dnat to {lease.address}:{port.container}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting", "output"))
    kernel.run(["nft", "-f", "-"], f"table ip {lease.table} {{\n{chains}}}\n")
