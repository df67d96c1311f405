# mistake: the gateway is thought to be the first address, always
# fails: route
# says: that is no neighbour


def default_route(kernel, gateway):
    kernel.route_add("default", gateway.rpartition(".")[0] + ".33")
