# mistake: the raw status is returned as it is
# fails: init_status
# says: exit 7: expected 7, got 1792

def exit_status(status):
    return status
