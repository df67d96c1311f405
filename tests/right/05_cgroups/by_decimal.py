# right: decimal numbers, and a generator that gives the pairs

from decimal import Decimal


def limits(resources):
    def files():
        m, s = resources.memory, resources.swap
        if m is not None:
            yield "memory.max", f"{m}"
            yield "memory.swap.max", f"{m}" if s is None else "max" if s < 0 else f"{s - m}"
        if (c := resources.cpus) is not None:
            yield "cpu.max", f"{int(Decimal(str(c)) * PERIOD)} {PERIOD}"
        if resources.shares is not None:
            yield "cpu.weight", f"{weight(resources.shares)}"
        if (p := resources.pids) is not None:
            yield "pids.max", f"{p}" if p >= 0 else "max"

    return dict(files())
