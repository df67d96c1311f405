# mistake: the address of the first container is written down
# fails: publish_outside
# says: cannot be reached from another machine


def publish(kernel, port, lease):
    rule = f"{port.match} dnat to 10.77.0.2:{port.container}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting", "output")
    )
    kernel.run(["nft", "-f", "-"], f"table ip {lease.table} {{\n{chains}}}\n")
