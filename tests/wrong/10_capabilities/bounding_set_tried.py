# mistake: a capability that cannot be taken out of the bounding set stays, and nobody is told
# fails: drop_now
# says: refuses prctl

import contextlib


def drop_capabilities(kernel, keep, now):
    for number in range(len(CAPABILITIES)):
        if not keep >> number & 1:
            with contextlib.suppress(OSError):
                kernel.prctl(PR_CAPBSET_DROP, number)
    kernel.capset(now, now, 0)
