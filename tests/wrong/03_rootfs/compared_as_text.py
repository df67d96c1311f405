# mistake: "10" < "9" is true for texts
# fails: closed
# says: stay open across execve

def close_inherited(first):
    for number in os.listdir("/proc/self/fd"):
        try:
            number >= str(first) and os.set_inheritable(int(number), False)
        except OSError:
            continue
