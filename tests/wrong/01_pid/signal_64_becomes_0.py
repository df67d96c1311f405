# mistake: six bits for the signal's number: 64 is one, too
# fails: exit_status
# says: signal 64


def exit_status(status):
    if status & 0x7F:
        return 128 + (status & 0x3F)
    return status >> 8
