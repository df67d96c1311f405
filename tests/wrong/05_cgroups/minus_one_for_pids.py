# mistake: -1 means no limit to the user, not to the kernel
# fails: limits_pids
# says: '-1', which the kernel refuses

def limits(resources):
    files = {}
    if resources.memory is not None:
        swap = resources.swap if resources.swap is not None else 2 * resources.memory
        files["memory.max"] = str(resources.memory)
        files["memory.swap.max"] = "max" if swap < 0 else str(swap - resources.memory)
    if resources.cpus is not None:
        files["cpu.max"] = f"{int(resources.cpus * PERIOD)} {PERIOD}"
    if resources.shares is not None:
        files["cpu.weight"] = str(weight(resources.shares))
    if resources.pids is not None:
        files["pids.max"] = str(resources.pids)
    return files
