# right: by a match, the last field first


def propagation_of(pid, path):
    lines = [w for w in mount_lines(pid) if unescaped(w[4]) == path]
    parents = {w[1] for w in lines if w[0] != w[1]}
    for w in lines:
        if w[0] in parents:
            continue
        match sorted(
            {f.split(":")[0] for f in optional_fields(w)} & {"shared", "master", "unbindable"}
        ):
            case ["unbindable"]:
                return "unbindable"
            case ["master", "shared"]:
                return "shared and slave"
            case ["master"]:
                return "slave"
            case ["shared"]:
                return "shared"
            case _:
                return "private"
    raise KeyError(path)
