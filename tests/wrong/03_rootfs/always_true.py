# mistake: a check that never says no
# fails: check_pivot
# says: chroot only

def check_pivot(pid):
    return True
