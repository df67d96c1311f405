# right: ip says it to the kernel


def default_route(kernel, gateway):
    kernel.run(["ip", "route", "add", "default", "via", gateway])
