# mistake: every store is whole
# fails: store_whole
# says: expected 'False'

def store_is_whole(layout):
    return True
