# mistake: more processors than there are here are not written
# fails: limits_cpu
# says: cpus=


def limits(resources):
    files = {}
    if resources.memory is not None:
        swap = resources.swap if resources.swap is not None else 2 * resources.memory
        files["memory.max"] = str(resources.memory)
        files["memory.swap.max"] = "max" if swap < 0 else str(swap - resources.memory)
    if resources.cpus is not None:
        files["cpu.max"] = f"{round(min(resources.cpus, os.cpu_count()) * PERIOD)} {PERIOD}"
    if resources.shares is not None:
        files["cpu.weight"] = str(weight(resources.shares))
    if resources.pids is not None:
        files["pids.max"] = "max" if resources.pids < 0 else str(resources.pids)
    return files
