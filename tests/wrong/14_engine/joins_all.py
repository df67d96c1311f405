# mistake: it joins all that differ
# fails: join
# says: got "the pod's"

def join(kernel, pid, kinds):
    kernel.setns(os.pidfd_open(pid), others(pid))
