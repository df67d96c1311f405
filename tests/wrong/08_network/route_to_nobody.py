# mistake: a gateway that no machine has
# fails: route
# says: that is no neighbour


def default_route(kernel, gateway):
    kernel.route_add("default", gateway.rpartition(".")[0] + ".62")
