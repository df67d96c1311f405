# mistake: first itself stays open
# fails: closed_first
# says: stay open across execve

def close_inherited(first):
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            number > first and os.set_inheritable(number, False)
        except OSError:
            continue
