# mistake: the gateway was reachable already
# fails: route
# says: that is no neighbour


def default_route(kernel, gateway):
    kernel.route_add(f"{gateway}/32", gateway)
