# mistake: a file is written for what nobody asked
# fails: limits_pids
# says: nothing → pids.max

def limits(resources):
    memory = resources.memory
    swap = resources.swap if resources.swap is not None else 2 * (memory or 0)
    files = {"pids.max": str(resources.pids) if (resources.pids or -1) > 0 else "max"}
    if memory is not None:
        files["memory.max"] = str(memory)
        files["memory.swap.max"] = "max" if swap < 0 else str(swap - memory)
    if resources.cpus is not None:
        files["cpu.max"] = f"{int(resources.cpus * PERIOD)} {PERIOD}"
    if resources.shares is not None:
        files["cpu.weight"] = str(weight(resources.shares))
    return files
