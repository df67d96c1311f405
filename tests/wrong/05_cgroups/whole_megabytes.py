# mistake: bytes are cut to whole MiB
# fails: limits_memory
# says: memory.max: expected

_all = limits


def limits(resources):
    files = _all(resources)
    if resources.memory is not None:
        files["memory.max"] = f"{resources.memory >> 20}M"
    return files
