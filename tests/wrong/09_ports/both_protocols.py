# mistake: who wants one protocol gets two
# fails: publish_only
# says: not published


def publish(kernel, port, lease):
    m = port.match.replace(" udp dport", " XX").replace(" tcp dport", " XX")
    rules = "".join(
        f" {m.replace(' XX', f' {p} dport')} dnat to {lease.address}:{port.container}\n"
        for p in ("tcp", "udp")
    )
    chains = "".join(
        f"chain {hook} {{\n type nat hook {hook} priority -100\n{rules}}}\n"
        for hook in ("prerouting", "output")
    )
    kernel.run(["nft", "-f", "-"], f"table ip {lease.table} {{\n{chains}}}\n")
