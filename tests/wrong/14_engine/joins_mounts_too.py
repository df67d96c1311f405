# mistake: it joins the mount namespace, too
# fails: join
# says: mnt: expected 'its own', got "the pod's"

def join(kernel, pid, kinds):
    kernel.setns(os.pidfd_open(pid), sum(NAMESPACES[kind] for kind in {*kinds, "mnt"}))
