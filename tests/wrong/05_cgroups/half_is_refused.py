# mistake: the text is no whole number, and the kernel says no
# fails: limits_hold
# says: refuses the text '0.2' in the file cpu.max

def limits(resources):
    files = {}
    if resources.memory is not None:
        swap = resources.swap if resources.swap is not None else 2 * resources.memory
        files["memory.max"] = str(resources.memory)
        files["memory.swap.max"] = "max" if swap < 0 else str(swap - resources.memory)
    if resources.cpus is not None:
        files["cpu.max"] = str(resources.cpus)
    if resources.shares is not None:
        files["cpu.weight"] = str(weight(resources.shares))
    if resources.pids is not None:
        files["pids.max"] = "max" if resources.pids < 0 else str(resources.pids)
    return files
