# mistake: sorted word by word of the path
# fails: changes
# says: in the wrong order

_all = changes

def changes(upper):
    return sorted(_all(upper), key=lambda pair: pair[0].split("/"))
