# mistake: they are closed now: the line to the host is cut too early
# fails: closed
# says: closed descriptors at once

def close_inherited(first):
    os.closerange(first, 1000)
