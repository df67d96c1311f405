# mistake: the mount that the path lies on is taken
# fails: propagation_nowhere
# says: '/tmp/tree/nothing': expected 'LookupError', got 'private'

_whole = propagation_of


def propagation_of(pid, path):
    while path != "/":
        try:
            return _whole(pid, path)
        except LookupError:
            path = os.path.dirname(path)
    return _whole(pid, path)
