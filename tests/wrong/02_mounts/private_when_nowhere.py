# mistake: no mount is thought to be a private one
# fails: propagation_nowhere
# says: '/tmp/tree/nothing': expected 'LookupError', got 'private'

_whole = propagation_of


def propagation_of(pid, path):
    try:
        return _whole(pid, path)
    except LookupError:
        return "private"
