# mistake: descriptors above 1023 are forgotten: the usual limit is no limit
# fails: closed
# says: open:

def close_inherited(first):
    for number in range(first, 1024):
        try:
            os.set_inheritable(number, False)
        except OSError:
            continue
