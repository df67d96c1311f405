# mistake: loopback gets an address that belongs to nobody here
# fails: loopback
# says: done more than


def loopback_up(kernel):
    kernel.link_up("lo")
    kernel.run(["ip", "-batch", "-"], "addr add 10.0.0.1/8 dev lo\n")
