# mistake: status >> 8 loses the signal
# fails: exit_status
# says: signal 9: expected 137, got 0

def exit_status(status):
    return status >> 8
