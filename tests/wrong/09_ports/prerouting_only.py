# mistake: what the host sends itself passes another hook
# fails: publish_host
# says: from the host itself


def publish(kernel, port, lease):
    rule = f"{port.match} dnat to {lease.address}:{port.container}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting",)
    )
    kernel.run(["nft", "-f", "-"], f"table ip {lease.table} {{\n{chains}}}\n")
