# mistake: a table inet: removing the table ip of that name leaves it
# fails: publish_only
# says: another family


def publish(kernel, port, lease):
    rule = f"{port.match} dnat ip to {lease.address}:{port.container}"
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n {rule}\n}}\n"
        for hook in ("prerouting", "output")
    )
    kernel.run(["nft", "-f", "-"], f"table inet {lease.table} {{\n{chains}}}\n")
