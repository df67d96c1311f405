# mistake: what the kernel refuses is passed over
# fails: join
# says: goes on in silence

def join(kernel, pid, kinds):
    process = os.pidfd_open(pid)
    try:
        kernel.setns(process, sum(NAMESPACES[kind] for kind in kinds))
    except OSError:
        pass
