# mistake: only directories are marked: a file or a pipe is a way out, too
# fails: closed
# says: none from 3 up


def close_inherited(first):
    import stat
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            if number >= first and stat.S_ISDIR(os.fstat(number).st_mode):
                os.set_inheritable(number, False)
        except OSError:
            continue
