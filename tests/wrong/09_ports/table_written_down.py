# mistake: all containers share one table, and removing it removes the others' rules
# fails: publish_only
# says: rules by table


def publish(kernel, port, lease):
    rule = f"{port.match} dnat to {lease.address}:{port.container}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting", "output")
    )
    kernel.run(["nft", "-f", "-"], f"table ip minidocker_ports {{\n{chains}}}\n")
