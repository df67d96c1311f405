# mistake: every port of the host leads to the container
# fails: publish_only
# says: A port that was not published


def publish(kernel, port, lease):
    rule = f"fib daddr type local {port.protocol} dport 1-65535 dnat to {lease.address}:{port.container}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting", "output")
    )
    kernel.run(["nft", "-f", "-"], f"table ip {lease.table} {{\n{chains}}}\n")
