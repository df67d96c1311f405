# mistake: the first process with this number, in whichever container
# fails: host_pid_equal
# says: found the wrong process

def host_pid_of(init, inner):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if len(numbers_of(pid)) > 1 and numbers_of(pid)[-1] == inner:
            return int(pid)
    raise LookupError(inner)
