# mistake: whoever has a filter is contained, and who is not looked at
# fails: walls_seccomp
# says: MISSING seccomp

_whole = walls_of


def walls_of(pid):
    return _whole(pid) - {"seccomp"}
