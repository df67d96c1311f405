# mistake: the second cable has the name of the first
# fails: connect_neighbours
# says: File exists


def connect(kernel, pid, lease):
    kernel.run(
        ["ip", "-batch", "-"],
        f"link add cable type veth peer name eth0 address {lease.mac} netns {pid}\n"
        f"link set cable master {lease.bridge}\nlink set cable up\n",
    )
    kernel.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        f"addr add {lease.address}/{lease.prefix} dev eth0\nlink set eth0 up\n",
    )
