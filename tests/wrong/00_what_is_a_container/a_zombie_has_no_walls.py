# mistake: an ended process is called uncontained
# fails: walls_ended
# says: zombie: expected 'LookupError'

_whole = walls_of


def walls_of(pid):
    try:
        return _whole(pid)
    except LookupError:
        return set()
