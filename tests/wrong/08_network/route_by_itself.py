# mistake: its own address as the gateway
# fails: route
# says: that is no neighbour


def default_route(kernel, gateway):
    kernel.route_add("default", "10.77.0.2")
