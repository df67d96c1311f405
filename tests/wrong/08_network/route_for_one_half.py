# mistake: half of all addresses have a route
# fails: route
# says: no neighbour


def default_route(kernel, gateway):
    kernel.route_add("128.0.0.0/1", gateway)
