# right: 65536k as text, another period of cpu.max, and one dictionary at the end

def text_of(pids):
    return None if pids is None else "max" if pids < 0 else f"{pids}"


def limits(resources):
    memory, swap = resources.memory, resources.swap
    if memory is not None:
        swap = memory if swap is None else swap if swap < 0 else swap - memory
    quota = None if resources.cpus is None else f"{round(resources.cpus * 200_000)} 200000"
    found = {
        "memory.max": None if memory is None else f"{memory >> 10}k",
        "memory.swap.max": None if memory is None else "max" if swap < 0 else f"{swap >> 10}k",
        "cpu.max": quota,
        "cpu.weight": None if resources.shares is None else f"{weight(resources.shares)}\n",
        "pids.max": text_of(resources.pids),
    }
    return {name: text for name, text in found.items() if text is not None}
