# mistake: who may not be seen is called gone
# fails: walls_unreadable
# says: PermissionError


def walls_of(pid, before=walls_of):
    try:
        return before(pid)
    except PermissionError:
        raise LookupError from None
