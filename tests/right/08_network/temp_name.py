# right: made under another name, and renamed inside


def connect(kernel, pid, lease):
    kernel.run(
        ["ip", "-batch", "-"],
        f"link add {lease.link} type veth peer name tmp{pid}\nlink set tmp{pid} address {lease.mac}\nlink set {lease.link} master {lease.bridge}\nlink set tmp{pid} netns {pid}\nlink set {lease.link} up\n",
    )
    kernel.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        f"link set tmp{pid} name eth0\naddr add {lease.address}/{lease.prefix} broadcast + dev eth0\nlink set eth0 up\n",
    )
