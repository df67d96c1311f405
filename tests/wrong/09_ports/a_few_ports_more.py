# mistake: a range of ports
# fails: publish_only
# says: not published


def publish(kernel, port, lease):
    m = port.match.replace(str(port.host), f"{port.host}-{port.host + 5}")
    rule = f"{m} dnat to {lease.address}:{port.container}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting", "output")
    )
    kernel.run(["nft", "-f", "-"], f"table ip {lease.table} {{\n{chains}}}\n")
