# right: 64M as text, another period of cpu.max, and one dictionary at the end

def limits(resources):
    memory, swap = resources.memory, resources.swap
    if memory is not None:
        swap = memory if swap is None else swap if swap < 0 else swap - memory
    quota = None if resources.cpus is None else f"{round(resources.cpus * 200_000)} 200000"
    found = {
        "memory.max": None if memory is None else f"{memory >> 20}M",
        "memory.swap.max": None if memory is None else "max" if swap < 0 else f"{swap >> 10}k",
        "cpu.max": quota,
        "cpu.weight": None if resources.shares is None else f"{weight(resources.shares)}\n",
        "pids.max": None if resources.pids is None else str(resources.pids).replace("-1", "max"),
    }
    return {name: text for name, text in found.items() if text is not None}
