# mistake: loopback becomes the default way out
# fails: loopback
# says: a route to default


def loopback_up(kernel):
    kernel.run(["ip", "-batch", "-"], "link set lo up\nroute add default dev lo\n")
