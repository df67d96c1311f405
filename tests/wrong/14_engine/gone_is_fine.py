# mistake: a holder that has ended is passed over
# fails: join
# says: the error must come out

def join(kernel, pid, kinds):
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    kernel.setns(process, sum(NAMESPACES[kind] for kind in kinds))
