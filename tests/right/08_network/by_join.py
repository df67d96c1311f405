# right: each command by itself


def connect(kernel, pid, lease):

    name = lease.link
    for words in (
        [
            "ip",
            "link",
            "add",
            name,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "address",
            lease.mac,
            "netns",
            str(pid),
        ],
        ["ip", "link", "set", "dev", name, "master", lease.bridge, "up"],
        ["nsenter", "-t", str(pid), "-n", "ip", "link", "set", "eth0", "up"],
        [
            "nsenter",
            "-t",
            str(pid),
            "-n",
            "ip",
            "address",
            "add",
            f"{lease.address}/{lease.prefix}",
            "dev",
            "eth0",
        ],
    ):
        kernel.run(words, "")
