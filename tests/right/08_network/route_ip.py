# right: by the tool, replacing


def default_route(kernel, gateway):
    kernel.run(["ip", "route", "replace", "default", "via", gateway], "")
