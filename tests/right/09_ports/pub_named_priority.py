# right: the priority has a name, the rule a counter and a comment


def publish(kernel, port, lease):
    t = f"ip {lease.table}"
    lines = [f"add table {t}"]
    for name, hook, prio in (("in", "prerouting", "dstnat"), ("own", "output", "-100")):
        lines.append(
            f"add chain {t} {name} {{ type nat hook {hook} priority {prio}; policy accept; }}"
        )
        lines.append(
            f'add rule {t} {name} {port.match} counter dnat to {lease.address}:{port.container} comment "mine"'
        )
    kernel.run(["nft", "-f", "-"], "\n".join(lines) + "\n")
