# right: made in the container's network, and the other end is sent to the host

import os


def connect(kernel, pid, lease):
    kernel.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"],
        f"link add eth0 address {lease.mac} type veth peer name {lease.link} netns {os.getpid()}\n"
        f"link set eth0 up\naddr add {lease.address}/{lease.prefix} dev eth0\n",
    )
    kernel.run(["ip", "link", "set", lease.link, "up", "master", lease.bridge])
