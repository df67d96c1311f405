# mistake: the order is that of os.walk
# fails: changes
# says: in the wrong order

_changes = changes


def changes(upper):
    return _changes(upper)[::-1]
