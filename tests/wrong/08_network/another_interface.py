# mistake: eth0 is not there yet
# fails: loopback
# says: No such device


def loopback_up(kernel):
    kernel.link_up("eth0")
