# right: the pair is made on the host, and one end is moved, with three tools


def connect(kernel, pid, lease):
    inside = ["nsenter", f"--net=/proc/{pid}/ns/net"]
    kernel.run(["ip", "link", "add", lease.link, "type", "veth", "peer", "name", "tmp0"])
    kernel.run(["ip", "link", "set", "tmp0", "netns", str(pid), "name", "eth0"])
    kernel.run(["ip", "link", "set", lease.link, "master", lease.bridge, "up"])
    kernel.run([*inside, "ip", "link", "set", "eth0", "address", lease.mac, "up"])
    kernel.run([*inside, "ip", "addr", "add", f"{lease.address}/{lease.prefix}", "dev", "eth0"])
