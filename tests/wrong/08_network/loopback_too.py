# mistake: the container's loopback is switched on, too
# fails: connect_plugged
# says: lo is up

_connect = connect


def connect(kernel, pid, lease):
    _connect(kernel, pid, lease)
    kernel.run(["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-batch", "-"], "link set lo up\n")
