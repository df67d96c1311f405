# mistake: swap is forgotten: a hog would swap instead of dying
# fails: limits_memory
# says: memory.swap.max

def limits(resources):
    files = {}
    if resources.memory is not None:
        files["memory.max"] = str(resources.memory)
    if resources.cpus is not None:
        files["cpu.max"] = f"{int(resources.cpus * PERIOD)} {PERIOD}"
    if resources.shares is not None:
        files["cpu.weight"] = str(weight(resources.shares))
    if resources.pids is not None:
        files["pids.max"] = "max" if resources.pids < 0 else str(resources.pids)
    return files
