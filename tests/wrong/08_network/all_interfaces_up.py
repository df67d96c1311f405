# mistake: every interface is switched on
# fails: loopback
# says: done more than switch on

import socket as _s


def loopback_up(kernel):
    for _, name in _s.if_nameindex():
        kernel.link_up(name)
