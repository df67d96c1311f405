# mistake: the lowest byte holds the signal and a flag: whether a core was dumped
# fails: exit_status
# says: with a core

def exit_status(status):
    low = status & 0xFF
    return 128 + low if low else status >> 8
