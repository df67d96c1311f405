# mistake: the bridge's address stands at the cable, too
# fails: connect_plugged
# says: at the host's end


def connect(kernel, pid, lease):
    kernel.run(
        ["ip", "-batch", "-"],
        f"link add {lease.link} type veth peer name eth0 address {lease.mac} netns {pid}\nlink set {lease.link} master {lease.bridge}\nlink set {lease.link} up\naddr add {lease.gateway}/{lease.prefix} dev {lease.link}\n",
    )
    kernel.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        f"addr add {lease.address}/{lease.prefix} dev eth0\nlink set eth0 up\n",
    )
