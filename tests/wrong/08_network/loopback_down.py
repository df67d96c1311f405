# mistake: an address is given, and the interface stays down
# fails: loopback
# says: cannot reach itself


def loopback_up(kernel):
    kernel.run(["ip", "-batch", "-"], "addr replace 127.0.0.1/8 dev lo\n")
