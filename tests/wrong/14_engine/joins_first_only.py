# mistake: it joins the first of them
# fails: join
# says: expected "the pod's", got 'its own'

def join(kernel, pid, kinds):
    kernel.setns(os.pidfd_open(pid), NAMESPACES[kinds[0]])
