# mistake: every container has the same address
# fails: connect_neighbours
# says: do not reach each other


def connect(kernel, pid, lease):
    kernel.run(
        ["ip", "-batch", "-"],
        f"link add {lease.link} type veth peer name eth0 address {lease.mac} netns {pid}\n"
        f"link set {lease.link} master {lease.bridge}\nlink set {lease.link} up\n",
    )
    kernel.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        f"addr add 10.77.0.2/{lease.prefix} dev eth0\nlink set eth0 up\n",
    )
