# mistake: it is switched on in a new network, and that one is lost
# fails: loopback
# says: cannot reach itself

import os


def loopback_up(kernel):
    if os.fork() == 0:
        kernel.unshare(0x40000000)
        kernel.link_up("lo")
        os._exit(0)
    os.wait()
