# mistake: other routes are removed first, that of the neighbours among them
# fails: route
# says: their route is lost


def default_route(kernel, gateway):
    kernel.run(
        ["ip", "-batch", "-"],
        f"route flush dev eth0\nroute add default via {gateway} dev eth0 onlink\n",
    )
