# mistake: the address of the lease is given to the host's end
# fails: connect_plugged
# says: Ethernet address


def connect(kernel, pid, lease):
    kernel.run(
        ["ip", "-batch", "-"],
        f"link add {lease.link} address {lease.mac} type veth peer name eth0 netns {pid}\nlink set {lease.link} master {lease.bridge}\nlink set {lease.link} up\n",
    )
    kernel.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        f"addr add {lease.address}/{lease.prefix} dev eth0\nlink set eth0 up\n",
    )
