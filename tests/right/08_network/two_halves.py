# right: two routes that together are everything


def default_route(kernel, gateway):
    kernel.route_add("0.0.0.0/1", gateway)
    kernel.route_add("128.0.0.0/1", gateway)
