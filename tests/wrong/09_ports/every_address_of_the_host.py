# mistake: port.match is not asked: a port of one address is open on all of the host
# fails: publish_only
# says: from another one, too


def publish(kernel, port, lease):
    where = f"fib daddr type local dnat to {port.protocol} dport map @ports"
    kernel.run(
        ["nft", "-f", "-"],
        f"table ip {lease.table} {{\n"
        "  map ports {\n    type inet_service : ipv4_addr . inet_service\n"
        f"    elements = {{ {port.host} : {lease.address} . {port.container} }}\n  }}\n"
        f"  chain a {{\n    type nat hook prerouting priority -100\n    {where}\n  }}\n"
        f"  chain b {{\n    type nat hook output priority -100\n    {where}\n  }}\n}}\n",
    )
