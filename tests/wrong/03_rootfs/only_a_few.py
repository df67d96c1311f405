# mistake: descriptors do not end at ten
# fails: closed
# says: stay open across execve

def close_inherited(first):
    for number in range(first, 10):
        try:
            number >= first and os.set_inheritable(number, False)
        except OSError:
            continue
