# mistake: what cannot be read is taken for no wall
# fails: walls_unreadable
# says: must raise PermissionError

_whole = walls_of


def walls_of(pid):
    try:
        return _whole(pid)
    except OSError:
        return set()
