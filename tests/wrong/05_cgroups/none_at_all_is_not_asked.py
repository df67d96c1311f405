# mistake: pids = 0, which lets nobody in, is taken for "not asked for"
# fails: limits_pids
# says: pids=0

def limits(resources):
    files = {}
    if resources.memory:
        swap = resources.swap if resources.swap is not None else 2 * resources.memory
        files["memory.max"] = str(resources.memory)
        files["memory.swap.max"] = "max" if swap < 0 else str(swap - resources.memory)
    if resources.cpus:
        files["cpu.max"] = f"{int(resources.cpus * PERIOD)} {PERIOD}"
    if resources.shares:
        files["cpu.weight"] = str(weight(resources.shares))
    if resources.pids:
        files["pids.max"] = "max" if resources.pids < 0 else str(resources.pids)
    return files
