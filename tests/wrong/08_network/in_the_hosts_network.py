# mistake: the address of the container is given to the host
# fails: connect_plugged
# says: was refused


def connect(kernel, pid, lease):
    kernel.run(
        ["ip", "-batch", "-"],
        f"link add {lease.link} type veth peer name eth0 address {lease.mac} netns {pid}\n"
        f"link set {lease.link} master {lease.bridge}\nlink set {lease.link} up\n",
    )
    kernel.run(
        ["ip", "-batch", "-"],
        f"addr add {lease.address}/{lease.prefix} dev eth0\nlink set eth0 up\n",
    )
