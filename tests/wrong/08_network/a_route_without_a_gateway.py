# mistake: a route by the device: every machine is taken for a neighbour
# fails: connect_plugged
# says: a route to default


def connect(kernel, pid, lease):
    kernel.run(
        ["ip", "-batch", "-"],
        f"link add {lease.link} type veth peer name eth0 address {lease.mac} netns {pid}\nlink set {lease.link} master {lease.bridge}\nlink set {lease.link} up\n",
    )
    kernel.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        f"addr add {lease.address}/{lease.prefix} dev eth0\nlink set eth0 up\nroute add default dev eth0\n",
    )
