# mistake: UDP has ports too
# fails: publish_outside
# says: from another machine


def publish(kernel, port, lease):
    rule = f"fib daddr type local tcp dport {port.host} dnat to {lease.address}:{port.container}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting", "output")
    )
    kernel.run(["nft", "-f", "-"], f"table ip {lease.table} {{\n{chains}}}\n")
