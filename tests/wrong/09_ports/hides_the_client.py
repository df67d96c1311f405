# mistake: masquerade gives every packet the host's address
# fails: publish_outside
# says: does not see the address


def publish(kernel, port, lease):
    rule = f"{port.match} dnat to {lease.address}:{port.container}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting", "output")
    )
    chains += "chain post {\n type nat hook postrouting priority 90\n masquerade\n}\n"
    kernel.run(["nft", "-f", "-"], f"table ip {lease.table} {{\n{chains}}}\n")
