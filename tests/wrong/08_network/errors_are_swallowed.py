# mistake: the kernel said no, and nobody listens
# fails: loopback
# says: cannot reach itself


def loopback_up(kernel):
    try:
        kernel.link_up("loopback")
    except OSError:
        pass
