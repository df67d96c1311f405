# mistake: the time namespace is no wall
# fails: walls_ten
# says: MISSING time

_walls_of = walls_of


def walls_of(pid):
    return _walls_of(pid) - {"time"}
