# mistake: eth0 stays on the host, the other end goes away
# fails: connect_plugged
# says: Cannot find device


def connect(kernel, pid, lease):
    kernel.run(
        ["ip", "-batch", "-"],
        f"link add eth0 address {lease.mac} type veth peer name {lease.link} netns {pid}\n"
        f"link set {lease.link} master {lease.bridge}\nlink set {lease.link} up\n",
    )
    kernel.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        f"addr add {lease.address}/{lease.prefix} dev eth0\nlink set eth0 up\n",
    )
