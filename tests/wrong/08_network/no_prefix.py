# mistake: without a prefix ip takes /32
# fails: connect_plugged
# says: not the address and the prefix


def connect(kernel, pid, lease):
    kernel.run(
        ["ip", "-batch", "-"],
        f"link add {lease.link} type veth peer name eth0 address {lease.mac} netns {pid}\n"
        f"link set {lease.link} master {lease.bridge}\nlink set {lease.link} up\n",
    )
    kernel.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        f"addr add {lease.address} dev eth0\nlink set eth0 up\n",
    )
