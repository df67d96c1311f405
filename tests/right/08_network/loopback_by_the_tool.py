# right: ip says it to the kernel


def loopback_up(kernel):
    kernel.run(["ip", "link", "set", "lo", "up"])
