# right: close_range(2) marks all of them in one call

from minidocker.kernel.linux import Linux


def close_inherited(first):
    Linux().close_range(first)


def check_pivot(pid):
    tops = {top_of(f"/proc/{pid}/{name}") for name in ("root", "cwd")}
    return tops == {identity(f"/proc/{pid}/root")} and mounts_of("self").isdisjoint(mounts_of(pid))
