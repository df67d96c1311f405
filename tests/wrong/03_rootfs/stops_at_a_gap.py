# mistake: the first number that is not open ends the loop
# fails: closed
# says: stay open across execve

def close_inherited(first):
    try:
        while True:
            os.set_inheritable(first, False)
            first += 1
    except OSError:
        return
