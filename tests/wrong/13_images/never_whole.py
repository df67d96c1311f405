# mistake: no store is whole
# fails: store_whole
# says: expected 'True'

def store_is_whole(layout):
    return False
