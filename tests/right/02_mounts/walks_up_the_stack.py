# right: from the lowest mount to the one that stands on it, and so on


def propagation_of(pid, path):
    rows = {w[0]: w for w in mount_lines(pid)}
    here = [w for w in rows.values() if unescaped(w[4]) == path]
    if not here:
        raise KeyError(path)
    top = here[0]
    while nxt := next((w for w in here if w[1] == top[0] and w is not top), None):
        top = nxt
    o = " ".join(optional_fields(top))
    match ("shared:" in o, "master:" in o, "unbindable" in o):
        case (_, _, True):
            return "unbindable"
        case (True, True, _):
            return "shared and slave"
        case (True, False, _):
            return "shared"
        case (False, True, _):
            return "slave"
    return "private"
