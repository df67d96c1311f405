# right: port.match, and a map of one port says where it leads


def publish(kernel, port, lease):
    goal = f"{port.protocol} dport map {{ {port.host} : {lease.address} . {port.container} }}"
    rule = f"{port.match} dnat to {goal}"
    kernel.run(
        ["nft", "-f", "-"],
        f"table ip {lease.table} {{\n"
        f"  chain a {{\n    type nat hook prerouting priority -100\n    {rule}\n  }}\n"
        f"  chain b {{\n    type nat hook output priority -100\n    {rule}\n  }}\n}}\n",
    )
