# mistake: a rule of its own in front of those of others
# fails: publish_only
# says: rules of others


def publish(kernel, port, lease):
    rule = f"{port.match} dnat to {lease.address}:{port.container}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting", "output")
    )
    kernel.run(["nft", "-f", "-"], f"insert rule ip others mine accept\ntable ip {lease.table} {{\n{chains}}}\n")
