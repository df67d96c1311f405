# right: add table, add chain, add rule; the priority has a name

def publish(kernel, port, lease):
    text = f"""add table ip {lease.table}
add chain ip {lease.table} in_{port.container} {{ type nat hook prerouting priority dstnat; policy accept; }}
add chain ip {lease.table} out_{port.container} {{ type nat hook output priority -100; policy accept; }}
add rule ip {lease.table} in_{port.container} {port.match} dnat to {lease.address}:{port.container}
add rule ip {lease.table} out_{port.container} {port.match} dnat to {lease.address}:{port.container}
"""
    kernel.run(["nft", "-f", "-"], text)
