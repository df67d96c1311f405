# mistake: its own address as the gateway
# fails: route
# says: that is no neighbour

import socket


def default_route(kernel, gateway):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect((gateway, 9))
        own, _ = one.getsockname()
    kernel.route_add("default", own)
