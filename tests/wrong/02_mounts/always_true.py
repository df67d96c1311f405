# mistake: a check that never says no
# fails: check_private
# says: no new namespace

def check_private(pid):
    return True
