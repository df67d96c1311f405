# mistake: it enters the container's network, and never leaves it
# fails: connect_neighbours
# says: was refused


def connect(kernel, pid, lease):
    import os

    kernel.run(
        ["ip", "-batch", "-"],
        f"link add {lease.link} type veth peer name eth0 address {lease.mac} netns {pid}\nlink set {lease.link} master {lease.bridge}\nlink set {lease.link} up\n",
    )
    fd = os.open(f"/proc/{pid}/ns/net", 0)
    kernel.setns(fd, 0x40000000)
    kernel.run(
        ["ip", "-batch", "-"],
        f"addr add {lease.address}/{lease.prefix} dev eth0\nlink set eth0 up\n",
    )
