# mistake: a check that never says no
# fails: check_spawn
# says: fork without unshare

def check_spawn(pid):
    return True
