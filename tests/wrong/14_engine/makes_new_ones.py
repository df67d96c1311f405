# mistake: it makes new namespaces instead of joining some
# fails: join
# says: got "another's"

def join(kernel, pid, kinds):
    os.pidfd_open(pid)
    kernel.unshare(sum(NAMESPACES[kind] for kind in kinds))
