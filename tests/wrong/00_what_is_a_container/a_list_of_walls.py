# mistake: a list, and no set
# fails: walls_ten
# says: a list

_walls = walls_of


def walls_of(pid):
    return sorted(_walls(pid))
