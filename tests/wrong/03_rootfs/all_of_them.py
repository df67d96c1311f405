# mistake: all are marked, whatever first says
# fails: closed_first
# says: were closed too

def close_inherited(first):
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            os.set_inheritable(number, False)
        except OSError:
            continue
