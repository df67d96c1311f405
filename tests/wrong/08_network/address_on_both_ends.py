# mistake: the host gets the container's address too
# fails: connect_clean
# says: not as they were


def connect(kernel, pid, lease):
    kernel.run(
        ["ip", "-batch", "-"],
        f"link add {lease.link} type veth peer name eth0 address {lease.mac} netns {pid}\n"
        f"link set {lease.link} master {lease.bridge}\nlink set {lease.link} up\naddr add {lease.address}/32 dev {lease.bridge}\n",
    )
    kernel.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        f"addr add {lease.address}/{lease.prefix} dev eth0\nlink set eth0 up\n",
    )
