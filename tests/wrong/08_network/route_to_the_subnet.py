# mistake: the neighbours were reachable already
# fails: route
# says: that is no neighbour


def default_route(kernel, gateway):
    kernel.route_add(gateway.rpartition(".")[0] + ".0/24", gateway)
