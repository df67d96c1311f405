# mistake: the table is made anew for each port: the port before it is closed again
# fails: publish_host
# says: cannot be reached from the host


def publish(kernel, port, lease):
    rule = f"{port.match} dnat to {lease.address}:{port.container}"
    chains = "".join(
        f"chain {h} {{\n type nat hook {h} priority -100\n {rule}\n}}\n"
        for h in ("prerouting", "output")
    )
    kernel.run(
        ["nft", "-f", "-"],
        f"table ip {lease.table}\ndelete table ip {lease.table}\ntable ip {lease.table} {{\n{chains}}}\n",
    )
