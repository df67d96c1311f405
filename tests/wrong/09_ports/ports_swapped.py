# mistake: the host's port and the container's are not the same
# fails: publish_outside
# says: from another machine


def publish(kernel, port, lease):
    rule = f"{port.match} dnat to {lease.address}:{port.host}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting", "output")
    )
    kernel.run(["nft", "-f", "-"], f"table ip {lease.table} {{\n{chains}}}\n")
