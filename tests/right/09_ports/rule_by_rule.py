# right: a jump to one chain, and one call of nft for each line


def publish(kernel, port, lease):
    def nft(line):
        kernel.run(["nft", "-f", "-"], line + "\n")

    nft(f"add table ip {lease.table}")
    nft(f"add chain ip {lease.table} ports")
    nft(f"add rule ip {lease.table} ports {port.match} dnat to {lease.address}:{port.container}")
    for hook in ("prerouting", "output"):
        nft(f"add chain ip {lease.table} {hook} {{ type nat hook {hook} priority -90; }}")
        nft(f"add rule ip {lease.table} {hook} jump ports")
