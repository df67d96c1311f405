# mistake: a refused route is passed over: the container has no way out, and no error
# fails: route
# says: goes on in silence


def default_route(kernel, gateway):
    try:
        kernel.route_add("default", gateway)
    except OSError:
        pass
